/** Lines that may come at once, and how many a second after them. */
const BURST = 20;
const LINES_PER_SECOND = 2;

/**
 * A log that neither guest nor slice can flood: a token bucket, and a word about what was left out with the next line
 * that is let through. `now` counts milliseconds.
 */
export function limitedLog(log: (line: string) => void, now: () => number): (line: string) => void {
  let tokens = BURST;
  let at = now();
  let left = 0;
  return (line) => {
    const then = now();
    tokens = Math.min(BURST, tokens + ((then - at) / 1000) * LINES_PER_SECOND);
    at = then;
    if (tokens < 1) {
      left += 1;
      return;
    }
    tokens -= 1;
    log(left === 0 ? line : `${line} (… and ${left} more lines before)`);
    left = 0;
  };
}
