import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readFuzzCommand, runFuzz } from '../conformance/fuzz/command.ts';

/** A long check: its result goes to bench/results/NAME.json, `holds` says whether the promise does. */
interface FullCheck {
  readonly command: string;
  run(
    args: readonly string[],
  ): Promise<{ readonly holds: boolean; readonly result: Readonly<Record<string, unknown>> }>;
}

/** Programs of a body of about 200 instructions each: more than five million retired. */
const FUZZ_PROGRAMS = 36_000;
const FUZZ_INSTRUCTIONS = 5_000_000;

const CHECKS: Readonly<Record<string, FullCheck>> = {
  fuzz: {
    command: `npm run conformance -- fuzz --peer qemu --programs ${FUZZ_PROGRAMS}`,
    async run(args) {
      const { differences, ...result } = runFuzz(
        readFuzzCommand(['--programs', String(FUZZ_PROGRAMS), ...args]),
        console.log,
      );
      const holds = differences.length === 0 && result.retired >= FUZZ_INSTRUCTIONS;
      return {
        holds,
        result: { ...result, differences: differences.length, goal: `${FUZZ_INSTRUCTIONS} retired, 0 differences` },
      };
    },
  },
};

/** `npm run full -- NAME [options of the check]`; the exit status is 1 when the promise does not hold. */
async function main([name, ...args]: readonly string[]): Promise<number> {
  const check = name === undefined ? undefined : CHECKS[name];
  if (name === undefined || check === undefined) {
    console.error(
      `full: ${name === undefined ? 'No check was named' : `There is no check "${name}"`}. Known: ${Object.keys(CHECKS).join(', ')}`,
    );
    return 2;
  }
  const start = performance.now();
  const { holds, result } = await check.run(args);
  const record = {
    name,
    command: check.command,
    date: new Date().toISOString(),
    node: process.version,
    seconds: Math.round((performance.now() - start) / 1000),
    holds,
    result,
  };
  const folder = join(process.cwd(), 'bench', 'results');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, `${name}.json`), `${JSON.stringify(record, undefined, 2)}\n`);
  console.log(`full: ${name}: ${holds ? 'holds' : 'DOES NOT HOLD'}, ${record.seconds} s, bench/results/${name}.json`);
  return holds ? 0 : 1;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  console.error(`full: ${(error as Error).message}`);
  process.exitCode = 2;
}
