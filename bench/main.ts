import { spawnSync } from 'node:child_process';
import { bootBench } from './boot.ts';
import { diskBench } from './disk.ts';
import { gateBench } from './gate.ts';
import { imageBuildBench } from './image-build.ts';
import { interpreterBench } from './interpreter.ts';
import { killBench } from './kill.ts';
import type { Bench, Measurement } from './measurement.ts';
import { functionReports, pdpBench } from './pdp.ts';
import { protectionBench } from './protection/protection.ts';

const BENCHES: Readonly<Record<string, Bench>> = {
  boot: bootBench,
  disk: diskBench,
  gate: gateBench,
  'image-build': imageBuildBench,
  interpreter: interpreterBench,
  kill: killBench,
  pdp: pdpBench,
  'pdp-functions': ({ quick }) => functionReports(quick),
  protection: protectionBench,
};

/**
 * `npm run bench -- NAME… [--json] [--quick] [--node FILE]`; the exit status is 1 when a goal does not hold. With another Node's
 * binary the same is measured by it, too, and reported beside this one's.
 */
async function main(all: readonly string[]): Promise<number> {
  const at = all.indexOf('--node');
  const otherNode = at < 0 ? undefined : all[at + 1];
  const args = at < 0 ? all : [...all.slice(0, at), ...all.slice(at + 2)];
  const names = args.filter((word) => !word.startsWith('--'));
  const unknown = names.find((name) => BENCHES[name] === undefined);
  if (names.length === 0 || unknown !== undefined) {
    console.error(
      `bench: ${unknown === undefined ? 'No bench was named' : `There is no bench "${unknown}"`}. Known: ${Object.keys(BENCHES).join(', ')}`,
    );
    return 2;
  }
  let holds = true;
  const show = (measurement: Measurement): void => {
    holds &&= measurement.holds;
    console.log(args.includes('--json') ? JSON.stringify(measurement) : line(measurement));
  };
  for (const name of names)
    for (const measurement of await BENCHES[name]!({ quick: args.includes('--quick') })) show(measurement);
  if (otherNode !== undefined) for (const measurement of measuredBy(otherNode, args)) show(measurement);
  return holds ? 0 : 1;
}

/** What another Node measures: goals are this one's, so that its figures are reports. @throws Error if it measures nothing */
function measuredBy(node: string, args: readonly string[]): readonly Measurement[] {
  const options = {
    encoding: 'utf8' as const,
    maxBuffer: 2 ** 26,
    stdio: ['ignore' as const, 'pipe' as const, 'inherit' as const],
  };
  const version = spawnSync(node, ['--version'], options).stdout?.trim();
  const { stdout, status } = spawnSync(node, [process.argv[1]!, ...args, '--json'], options);
  if (version === undefined || (status !== 0 && status !== 1)) throw new Error(`"${node}" does not measure`);
  const rows = stdout.split('\n').filter((text) => text.startsWith('{'));
  return rows.map((row) => {
    const measurement = JSON.parse(row) as Measurement;
    return { ...measurement, metric: `${measurement.metric} (Node ${version})`, goal: 'reported', holds: true };
  });
}

function line({ bench, metric, ours, peer, ratio, goal, holds }: Measurement): string {
  const against = peer === null ? '' : `, peer ${peer}, ratio ${ratio}`;
  return `${bench}: ${metric}: ${ours}${against} (${goal}: ${holds ? 'holds' : 'DOES NOT HOLD'})`;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  console.error(`bench: ${(error as Error).message}`);
  process.exitCode = 2;
}
