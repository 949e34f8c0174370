import { type FuzzResult, fuzz, type ProgramDifference } from './fuzz.ts';
import { AVOIDED } from './peer-differences.ts';
import { qemuVersion, runQemu } from './run-qemu.ts';

/** Of `--quick`: within two minutes on two cores. */
const QUICK_PROGRAMS = 3000;

export interface FuzzCommand {
  readonly peer: string;
  readonly programs: number;
  readonly seed: number;
}

/** @throws with one line for what is missing or wrong. */
export function readFuzzCommand(args: readonly string[]): FuzzCommand {
  const option = (name: string): string | undefined => {
    const at = args.indexOf(name);
    return at < 0 ? undefined : args[at + 1];
  };
  const number = (name: string, fallback: number): number => {
    const text = option(name);
    if (text === undefined) return fallback;
    const value = Number(text);
    if (!Number.isSafeInteger(value) || value < 0) throw new Error(`"${name}" needs a number, not "${text}"`);
    return value;
  };
  const peer = option('--peer') ?? 'qemu';
  if (peer !== 'qemu') throw new Error(`There is no peer "${peer}"; known: qemu`);
  const programs = number('--programs', QUICK_PROGRAMS);
  return {
    peer,
    programs: args.includes('--quick') ? Math.min(programs, QUICK_PROGRAMS) : programs,
    seed: number('--seed', Math.floor(Date.now() / 1000) % 2 ** 31),
  };
}

function show({ program, fields, shrunk }: ProgramDifference, seed: number): string {
  const lines = fields
    .slice(0, 12)
    .map(({ field, ours, peer }) => `  ${field}: ours ${ours.toString(16)}, peer ${peer.toString(16)}`);
  return [
    `Program ${program.number} of seed ${seed} differs in ${fields.length} fields (${program.description})`,
    ...lines,
    `The first ${shrunk.instructions} of its ${program.instructions} instructions suffice:`,
    ...shrunk.listing.map((line) => `    ${line}`),
  ].join('\n');
}

/** Runs and prints; what it returns goes into a committed result. */
export function runFuzz({ programs, seed }: FuzzCommand, print: (line: string) => void): FuzzResult & { peer: string } {
  const peer = `QEMU ${qemuVersion()}`;
  print(`fuzz: seed ${seed}, ${programs} programs against ${peer}`);
  const result = fuzz({
    seed,
    programs,
    peer: runQemu,
    onBatch: (done, { retired, differences }) =>
      print(`fuzz: ${done} programs, ${retired} instructions, ${differences.length} differences`),
  });
  for (const difference of result.differences) print(show(difference, seed));
  for (const [id, count] of Object.entries(result.masked).sort()) print(`ignored "${id}": ${count} fields`);
  for (const { id, coveredBy } of AVOIDED)
    print(`avoided "${id}": ${result.avoided[id] || 'never drawn'} (${coveredBy})`);
  print(
    `fuzz: seed ${seed}: ${result.instructions} random instructions, ${result.retired} retired, ${result.traps} traps, ${result.differences.length} differences`,
  );
  return { ...result, peer };
}
