import { type AuditProgress, auditNames, audits, CloisterError, hungCalls } from '@cloister/sdk';
import { statusLine } from '../status-line.ts';
import { progressBar } from './progress-bar.ts';
import { unlockOf } from './unlock.ts';

export const SOMETHING_WRONG = 1;

/** A call into a file system that hangs cannot be taken back, and the end of a process waits for it: but not this one. */
process.once('exit', () => {
  if (hungCalls() > 0) process.kill(process.pid, 'SIGKILL');
});

/** Audits with progress on stderr and Ctrl-C as an abort. */
export async function opened<T>(what: string, work: (all: ReturnType<typeof audits>) => Promise<T>): Promise<T> {
  const status = statusLine();
  const abort = new AbortController();
  const interrupt = (): void => abort.abort();
  process.once('SIGINT', interrupt);
  process.once('SIGTERM', interrupt);
  const bar = progressBar();
  const show = ({ doing, bytes, ofBytes }: AuditProgress): string =>
    doing === 'listing' || doing === 'making keys' ? `${what}: ${doing}` : `${what}: ${doing}${bar(bytes, ofBytes)}`;
  try {
    return await work(
      audits({
        unlock: unlockOf(status),
        signal: abort.signal,
        progress: (progress) => status.show(show(progress)),
        warn: (line) => {
          status.clear();
          process.stderr.write(`cloister: ${line}\n`);
        },
      }),
    );
  } finally {
    status.clear();
    process.removeListener('SIGINT', interrupt);
    process.removeListener('SIGTERM', interrupt);
  }
}

/**
 * The audits that names, or their beginnings, stand for; all of them for none.
 * @param one no more than one may be meant
 * @param others what may be named beside them
 */
export async function named(
  names: readonly string[],
  { one = false, others = [] }: { readonly one?: boolean; readonly others?: readonly string[] } = {},
): Promise<readonly string[]> {
  const known = [...new Set([...(await auditNames()), ...others])];
  const hint = 'See "cloister audit ls"; "cloister audit add DIR" adds one';
  if (names.length === 0) {
    if (known.length === 0) throw new CloisterError('bad-usage', 'Nothing is audited yet', { hint });
    if (one && known.length > 1) throw new CloisterError('bad-usage', 'There are several audits: name one', { hint });
    return known;
  }
  return names.map((name) => {
    if (known.includes(name)) return name;
    const matching = known.filter((each) => each.startsWith(name));
    if (matching.length === 1) return matching[0]!;
    const what = matching.length === 0 ? `There is no audit "${name}"` : `"${name}" may be several audits`;
    throw new CloisterError('bad-usage', what, { hint });
  });
}

export function print(value: object): void {
  process.stdout.write(`${JSON.stringify({ schema: 1, ...value }, bytesAsHex, 2)}\n`);
}

/** Called by JSON.stringify with the value's holder, since a Buffer would have become a list of numbers by then. */
export function bytesAsHex(this: object, key: string, value: unknown): unknown {
  const held: unknown = (this as Readonly<Record<string, unknown>>)[key];
  return held instanceof Uint8Array ? Buffer.from(held).toString('hex') : value;
}
