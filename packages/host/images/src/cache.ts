import { randomBytes } from 'node:crypto';
import { chmod, mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { homedir, platform } from 'node:os';
import { dirname, join } from 'node:path';
import { failFile } from './failure.ts';

/** Where things lie below the cache directory. All directories are 0700. */
export interface Cache {
  readonly root: string;
  /** Downloads by content: `blobs/HEX`, and `blobs/HEX.part-PID` while they come in. */
  readonly blobs: string;
  /** One directory an image. */
  readonly images: string;
  /** What was learnt of the archive: keys, and the newest release seen of each suite. */
  readonly archive: string;
}

/**
 * The cache directory: the option, else `CLOISTER_CACHE_DIR`, else `CLOISTER_HOME/cache`, else the platform's
 * (`XDG_CACHE_HOME` or `~/.cache`, `~/Library/Caches`, `%LOCALAPPDATA%`), each with `cloister` at its end.
 */
export function cacheDirectory(option?: string, env: NodeJS.ProcessEnv = process.env): string {
  if (option !== undefined) return option;
  if (env.CLOISTER_CACHE_DIR) return env.CLOISTER_CACHE_DIR;
  if (env.CLOISTER_HOME) return join(env.CLOISTER_HOME, 'cache');
  if (platform() === 'darwin') return join(homedir(), 'Library', 'Caches', 'cloister');
  if (platform() === 'win32') return join(env.LOCALAPPDATA ?? join(homedir(), 'AppData', 'Local'), 'cloister', 'cache');
  // XDG Base Directory: a relative value is to be ignored.
  const xdg = env.XDG_CACHE_HOME;
  return join(xdg?.startsWith('/') === true ? xdg : join(homedir(), '.cache'), 'cloister');
}

export function cacheAt(root: string): Cache {
  return { root, blobs: join(root, 'blobs'), images: join(root, 'images'), archive: join(root, 'archive') };
}

/** Makes a directory and its parents, private to the user. Throws `cache-unwritable` or `cache-full`. */
export async function makeDirectory(path: string): Promise<void> {
  try {
    const made = await mkdir(path, { recursive: true, mode: 0o700 });
    if (made !== undefined) await chmod(path, 0o700);
  } catch (error) {
    failFile(path, error);
  }
}

/** Writes a whole file or nothing: beside its place, flushed, then renamed. */
export async function writeAtomically(path: string, content: Uint8Array | string): Promise<void> {
  await makeDirectory(dirname(path));
  const temporary = `${path}.new-${randomBytes(6).toString('hex')}`;
  try {
    const file = await open(temporary, 'wx', 0o600);
    try {
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    failFile(path, error);
  }
}

/** The file's bytes, or `undefined` where there is none. */
export async function readIfThere(path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(path);
  } catch (error) {
    if ((error as { code?: string }).code === 'ENOENT') return undefined;
    failFile(path, error);
  }
}
