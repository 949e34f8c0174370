import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

function tool(name: string, args: readonly string[]): { readonly status: number; readonly output: string } {
  const { status, stdout, stderr, error } = spawnSync(name, args, { encoding: 'latin1', timeout: 120_000 });
  if (error !== undefined) throw new Error(`No ${name}: apt-get install e2fsprogs`);
  // Of paths the name alone: outputs end in results.
  const output = (stdout + stderr).replaceAll(/\/\S*\/(?=[^/\s]+:)/g, '');
  return { status: status ?? -1, output };
}

/** Makes an ext4 in a file of this host. */
export function makeExt4(path: string, mebibytes: number): void {
  const { status, output } = tool('mke2fs', ['-q', '-t', 'ext4', '-b', '4096', '-J', 'size=4', path, `${mebibytes}M`]);
  if (status !== 0) throw new Error(`mke2fs failed: ${output}`);
}

/** What `e2fsck -fn` complains of in a file system that was unmounted; undefined if nothing. */
export function uncleanExt4(path: string): string | undefined {
  const { status, output } = tool('e2fsck', ['-fn', path]);
  return status === 0 ? undefined : output;
}

/** Replays the journal and frees what nobody names any more, as mounting does, then checks like `uncleanExt4`. */
export function recoverExt4(path: string): string | undefined {
  const { status, output } = tool('e2fsck', ['-p', path]);
  return status > 1 ? output : uncleanExt4(path);
}

/** The files in the root of an ext4, by name, read without mounting it. */
export function readExt4(path: string): Map<string, Buffer> {
  const folder = mkdtempSync(join(tmpdir(), 'cloister-ext4-'));
  try {
    tool('debugfs', ['-R', `rdump / ${folder}`, path]);
    return new Map(
      readdirSync(folder, { withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map(({ name }) => [name, readFileSync(join(folder, name))]),
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
