import { size } from './amounts.ts';

/** A line on long work, which begins with the first call: a bar, bytes, how fast, and the time that is left. */
export function progressBar(): (bytes: number, ofBytes: number) => string {
  let begun: number | undefined;
  return (bytes, ofBytes) => {
    begun ??= performance.now();
    const seconds = (performance.now() - begun) / 1000;
    const rate = seconds > 0.5 ? bytes / seconds : 0;
    const left = rate > 0 ? `, ${Math.ceil((ofBytes - bytes) / rate)} s left` : '';
    const share = ofBytes > 0 ? ` ${'#'.repeat(Math.floor((20 * bytes) / ofBytes)).padEnd(20, '.')}` : '';
    return `${share} ${size(bytes)} of ${size(ofBytes)}, ${size(rate)}/s${left}`;
  };
}
