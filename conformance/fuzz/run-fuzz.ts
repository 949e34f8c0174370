import { arenaIn, createImage } from './batch.ts';
import { compareArenas, type FieldDifference } from './compare.ts';
import { PROGRAMS_MAX } from './layout.ts';
import { createProgram, type Program } from './program.ts';
import { runHere } from './run-here.ts';
import { qemuVersion, runQemu } from './run-qemu.ts';

/** A program that ended otherwise here than in the peer. */
export interface Found {
  readonly program: Program;
  readonly differences: readonly FieldDifference[];
}

export interface FuzzResult {
  readonly seed: number;
  readonly peer: string;
  readonly programs: number;
  /** Random instructions in the programs' bodies. */
  readonly instructions: number;
  readonly found: readonly Found[];
  /** Fields that differ in bits which the reviewed table ignores, by its entries. */
  readonly hits: Readonly<Record<string, number>>;
}

const BATCH = PROGRAMS_MAX / 10;
/** Differences after which a run is given up. */
const FOUND_MAX = 10;

/** Runs `count` random programs here and in QEMU and compares their whole final states. */
export function runFuzz(seed: number, count: number, progress?: (programs: number, found: number) => void): FuzzResult {
  const hits = new Map<string, number>();
  const found: Found[] = [];
  let instructions = 0;
  let done = 0;
  while (done < count && found.length < FOUND_MAX) {
    const programs = Array.from({ length: Math.min(BATCH, count - done) }, (_, index) =>
      createProgram(seed, done + index, index),
    );
    const image = createImage(programs);
    const [ours, peer] = [runHere(image), runQemu(image)];
    for (const [index, program] of programs.entries()) {
      const differences = compareArenas(arenaIn(ours, index), arenaIn(peer, index), hits);
      if (differences.length > 0) found.push({ program, differences });
      instructions += program.instructions;
    }
    done += programs.length;
    progress?.(done, found.length);
  }
  return { seed, peer: `qemu ${qemuVersion()}`, programs: done, instructions, found, hits: Object.fromEntries(hits) };
}

/** A found difference as lines: seed and number to find it again, what differs, and the body. */
export function describeFound(seed: number, { program, differences }: Found): string {
  const fields = differences
    .slice(0, 12)
    .map(({ field, ours, peer }) => `  ${field}: ours ${ours.toString(16)}, peer ${peer.toString(16)}`);
  return [
    `seed ${seed}, program ${program.number}: ${program.description}`,
    ...fields,
    ...program.listing.map((line) => `    ${line}`),
  ].join('\n');
}
