import { arenaIn, createImage } from './batch.ts';
import { compareArenas, type FieldDifference } from './compare.ts';
import { ARENA_PAGE, CONTROL, PAGE, PROGRAMS_MAX } from './layout.ts';
import { avoidedCounts } from './peer-differences.ts';
import { createProgram, type Program } from './program.ts';
import { runHere } from './run-here.ts';
import { OVERHEAD, SUPERVISOR_HANDLER_LENGTH } from './runtime.ts';

export interface FuzzOptions {
  readonly seed: number;
  readonly programs: number;
  /** Number of the first program. */
  readonly first?: number;
  /** Runs a batch's image in the peer. */
  readonly peer: (image: Buffer) => Buffer;
  readonly here?: (image: Buffer) => Buffer;
  readonly onBatch?: (programs: number, result: FuzzResult) => void;
}

export interface ProgramDifference {
  readonly program: Program;
  readonly fields: readonly FieldDifference[];
  /** Items of the body that the difference needs, and what they are. */
  readonly shrunk: Program;
}

export interface FuzzResult {
  readonly seed: number;
  readonly programs: number;
  /** Of the bodies, as generated; and as retired in them, loops counted and skipped ones not. */
  readonly instructions: number;
  readonly retired: number;
  readonly traps: number;
  readonly differences: readonly ProgramDifference[];
  /** Hits of the reviewed table, masked and avoided. */
  readonly masked: Readonly<Record<string, number>>;
  readonly avoided: Readonly<Record<string, number>>;
}

/** Differences after which a run is given up. */
const DIFFERENCES_MAX = 10;

interface Counted {
  readonly retired: number;
  readonly traps: number;
}

/** What a body retired and how often it trapped, from our own minstret. */
function countsOf(arena: Buffer): Counted {
  const word = (offset: number): number => Number(arena.readBigUInt64LE(offset));
  const machine = word(CONTROL.traps);
  const supervisor = word(ARENA_PAGE.supervisor * PAGE + CONTROL.traps);
  const handlers = OVERHEAD.once + machine * OVERHEAD.trap + supervisor * SUPERVISOR_HANDLER_LENGTH;
  return { retired: Math.max(0, word(CONTROL.retired) - handlers), traps: machine + supervisor };
}

function differs(program: Program, { peer, here = runHere }: FuzzOptions): boolean {
  const image = createImage([program]);
  return compareArenas(arenaIn(here(image), 0), arenaIn(peer(image), 0), new Map()).length > 0;
}

/** The shortest beginning of the body that still differs, alone in its image; the whole program where none does. */
function shrink(program: Program, options: FuzzOptions): Program {
  const make = (limit?: number): Program => createProgram(options.seed, program.number, 0, limit);
  if (!differs(make(), options)) return program;
  let [same, different] = [-1, program.items];
  while (different - same > 1) {
    const middle = (same + different) >> 1;
    if (differs(make(middle), options)) different = middle;
    else same = middle;
  }
  return make(different);
}

/** Runs random programs here and in the peer, in batches, and compares their final states in whole. */
export function fuzz(options: FuzzOptions): FuzzResult {
  const { seed, peer, here = runHere, first = 0 } = options;
  const hits = new Map<string, number>();
  const differences: ProgramDifference[] = [];
  const total = { programs: 0, instructions: 0, retired: 0, traps: 0 };
  const result = (): FuzzResult => ({
    seed,
    ...total,
    differences,
    masked: Object.fromEntries(hits),
    avoided: avoidedCounts(),
  });
  while (total.programs < options.programs && differences.length < DIFFERENCES_MAX) {
    const count = Math.min(PROGRAMS_MAX, options.programs - total.programs);
    const start = first + total.programs;
    const programs = Array.from({ length: count }, (_, index) => createProgram(seed, start + index, index));
    const image = createImage(programs);
    const [ours, theirs] = [here(image), peer(image)];
    programs.forEach((program, index) => {
      const arena = arenaIn(ours, index);
      const fields = compareArenas(arena, arenaIn(theirs, index), hits);
      const { retired, traps } = countsOf(arena);
      total.instructions += program.instructions;
      total.retired += retired;
      total.traps += traps;
      if (fields.length > 0 && differences.length < DIFFERENCES_MAX)
        differences.push({ program, fields, shrunk: shrink(program, options) });
    });
    total.programs += count;
    options.onBatch?.(total.programs, result());
  }
  return result();
}
