import { setTimeout as sleep } from 'node:timers/promises';
import { parseDuration } from '@cloister/sdk';
import { report } from '../report.ts';
import { type RunFlags, runAudits } from './run.ts';

/** The longest that a timer of Node waits, in milliseconds. */
const TIMER_MAX = 2 ** 31 - 1;

/** Audits again and again until it is ended; one that fails is told and does not end it. */
export async function watchAudits(
  names: readonly string[],
  { every, ...flags }: RunFlags & { readonly every: string },
): Promise<number> {
  const interval = parseDuration(every);
  const stop = new AbortController();
  const end = (): void => stop.abort();
  process.once('SIGINT', end);
  process.once('SIGTERM', end);
  let worst = 0;
  for (let next = Date.now(); !stop.signal.aborted; ) {
    const status = await runAudits(names, flags).catch((error: unknown) =>
      stop.signal.aborted ? 0 : report(error, flags.json === true, false),
    );
    worst = Math.max(worst, status);
    // What took longer than the interval is not made up for.
    next = Math.max(next + interval, Date.now());
    while (!stop.signal.aborted && Date.now() < next)
      await sleep(Math.min(next - Date.now(), TIMER_MAX), undefined, { signal: stop.signal }).catch(() => undefined);
  }
  return worst;
}
