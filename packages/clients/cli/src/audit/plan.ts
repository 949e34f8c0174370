import { costs, parseDuration, SAMPLE } from '@cloister/sdk';
import { count, size } from './amounts.ts';
import { type LimitFlags, limitsOf, number } from './flags.ts';
import { named, opened, print } from './opened.ts';

export interface PlanFlags extends LimitFlags {
  readonly every: string;
  readonly period?: string;
  readonly sample?: string;
  readonly json?: boolean;
}

/** What audits will cost, before anything is read of a store. */
export async function planAudits(names: readonly string[], flags: PlanFlags): Promise<number> {
  const { limitRate, prices, maxCost } = limitsOf(flags);
  const every = parseDuration(flags.every);
  const sample = flags.sample === undefined ? SAMPLE : number(flags.sample, '--sample');
  const plans = [];
  for (const name of await named(names)) {
    const { blocks, bytes, blockBytes, period: sealed, prover } = await opened(name, (all) => all.status(name));
    const period = flags.period === undefined ? sealed : parseDuration(flags.period);
    // A prover reads beside the data; what crosses the wire is a proof for each file that is asked about.
    const free = { perThousandRequests: 0, perGigabyte: 0 };
    const asked = prover === '' ? { prices, limitRate } : { prices: free, limitRate: undefined };
    plans.push({ name, prover, ...costs({ blocks, bytes, blockBytes, period, every, sample, ...asked }) });
  }
  if (flags.json === true) print({ prices, plans });
  else
    for (const { name, prover, audit, period, audits } of plans) {
      process.stdout.write(`${name}: ${count(audits, 'audit')} a period\n`);
      for (const [what, cost] of [
        ['each audit', audit],
        ['a period', period],
      ] as const) {
        if (prover !== '') {
          process.stdout.write(
            `  ${what.padEnd(11)}${count(cost.requests, 'question')} at most; the prover reads ${size(cost.bytes)} beside the data\n`,
          );
          continue;
        }
        const time = cost.seconds === undefined ? '' : `, ${Math.ceil(cost.seconds)} s at least`;
        process.stdout.write(
          `  ${what.padEnd(11)}${count(cost.requests, 'request')} at most, ${size(cost.bytes)}, ${cost.money.toFixed(4)} in money${time}\n`,
        );
      }
      if (maxCost !== undefined && audit.money > maxCost)
        process.stdout.write(`  --max-cost ${maxCost} stops each audit before its end\n`);
    }
  return 0;
}
