import type { Progress } from '@cloister/images';

/** What happens before the guest speaks: one line on stderr, rewritten on a terminal, new lines elsewhere. */
export interface StatusLine {
  show(text: string): void;
  /** Takes the line away. */
  clear(): void;
}

const REDRAW_MS = 100;
const PLAIN_MS = 5000;
/** What is over sooner is not worth a line in a log. */
const PLAIN_FIRST_MS = 1000;

export function statusLine(stream: NodeJS.WriteStream = process.stderr): StatusLine {
  const interactive = stream.isTTY === true;
  const begun = Date.now();
  let last = 0;
  let shown = '';
  return {
    show(text) {
      const now = Date.now();
      if (!interactive && now - begun < PLAIN_FIRST_MS) return;
      const [stem] = text.split(':');
      const fresh = !shown.startsWith(stem ?? '');
      if (!fresh && now - last < (interactive ? REDRAW_MS : PLAIN_MS)) return;
      last = now;
      shown = text;
      if (interactive) stream.write(`\r\x1b[K${text.slice(0, (stream.columns ?? 80) - 1)}`);
      else stream.write(`${text}\n`);
    },
    clear() {
      if (interactive && shown !== '') stream.write('\r\x1b[K');
      shown = '';
    },
  };
}

export function progressText(name: string, progress: Progress): string {
  const seconds = Math.round(progress.seconds);
  if (progress.kind === 'step')
    return `Making ${name}: ${progress.text} (${seconds} s; Ctrl-C stops, a new run goes on from there)`;
  const mib = (bytes: number): string => (bytes / 2 ** 20).toFixed(1);
  return `Making ${name}: ${mib(progress.bytes)} of ${mib(progress.totalBytes)} MiB, ${progress.packages} of ${progress.totalPackages} packages (${seconds} s)`;
}
