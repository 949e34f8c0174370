import { BUDGETS, createRate } from '@cloister/protocol';

/**
 * A log that neither guest nor slice can flood: it has a rate, and a word about what was left out with the next line
 * that is let through. `now` counts milliseconds.
 */
export function limitedLog(log: (line: string) => void, now: () => number): (line: string) => void {
  const rate = createRate(BUDGETS.machineToLog, now);
  let left = 0;
  return (line) => {
    if (rate.wait() > 0) {
      left += 1;
      return;
    }
    rate.charge(line.length);
    log(left === 0 ? line : `${line} (… and ${left} more lines before)`);
    left = 0;
  };
}
