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
    const { blocks, bytes, blockBytes, period: sealed } = await opened(name, (all) => all.status(name));
    const period = flags.period === undefined ? sealed : parseDuration(flags.period);
    plans.push({ name, ...costs({ blocks, bytes, blockBytes, period, every, sample, prices, limitRate }) });
  }
  if (flags.json === true) print({ prices, plans });
  else
    for (const { name, audit, period, audits } of plans) {
      process.stdout.write(`${name}: ${count(audits, 'audit')} a period\n`);
      for (const [what, cost] of [
        ['each audit', audit],
        ['a period', period],
      ] as const) {
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
