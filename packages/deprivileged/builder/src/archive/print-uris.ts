import { refuse } from '../failure.ts';

/** A file that apt wants, as `apt-get --print-uris` prints it. */
export interface WantedFile {
  /** The path below the mirror's root. */
  readonly filename: string;
}

const LIMIT = 20_000;

/**
 * The package files in the output of `apt-get --print-uris`: lines `'URI' NAME SIZE HASH`. Other lines are ignored.
 * `base` is the mirror that the guest's apt was told, with no trailing slash. A guest made this output: the result only
 * names files, and each must be looked up in a verified index. Throws `malformed` or `too-large`.
 */
export function wantedFiles(output: string, base: string): WantedFile[] {
  const out: WantedFile[] = [];
  for (const line of output.split('\n')) {
    const match = /^'([^']+)' \S+ \d+ ?\S*\s*$/.exec(line);
    if (match === null) continue;
    const uri = match[1]!;
    if (!uri.startsWith(`${base}/`)) refuse('malformed', `apt names a file outside the mirror: "${uri.slice(0, 100)}"`);
    let filename: string;
    try {
      filename = decodeURIComponent(uri.slice(base.length + 1));
    } catch (error) {
      refuse('malformed', 'apt names a file with a damaged escape', error);
    }
    out.push({ filename });
    if (out.length > LIMIT) refuse('too-large', `apt names more than ${LIMIT} files`);
  }
  return out;
}
