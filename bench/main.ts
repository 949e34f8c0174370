import { bootBench } from './boot.ts';
import { diskBench } from './disk.ts';
import { gateBench } from './gate.ts';
import { imageBuildBench } from './image-build.ts';
import { interpreterBench } from './interpreter.ts';
import { killBench } from './kill.ts';
import type { Bench, Measurement } from './measurement.ts';
import { pdpBench } from './pdp.ts';
import { protectionBench } from './protection.ts';

const BENCHES: Readonly<Record<string, Bench>> = {
  boot: bootBench,
  disk: diskBench,
  gate: gateBench,
  'image-build': imageBuildBench,
  interpreter: interpreterBench,
  kill: killBench,
  pdp: pdpBench,
  protection: protectionBench,
};

/** `npm run bench -- NAME… [--json] [--quick]`; the exit status is 1 when a goal does not hold. */
async function main(args: readonly string[]): Promise<number> {
  const names = args.filter((word) => !word.startsWith('--'));
  const unknown = names.find((name) => BENCHES[name] === undefined);
  if (names.length === 0 || unknown !== undefined) {
    console.error(
      `bench: ${unknown === undefined ? 'No bench was named' : `There is no bench "${unknown}"`}. Known: ${Object.keys(BENCHES).join(', ')}`,
    );
    return 2;
  }
  let all = true;
  for (const name of names)
    for (const measurement of await BENCHES[name]!({ quick: args.includes('--quick') })) {
      all &&= measurement.holds;
      console.log(args.includes('--json') ? JSON.stringify(measurement) : line(measurement));
    }
  return all ? 0 : 1;
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
