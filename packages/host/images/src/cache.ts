import { join } from 'node:path';
import * as files from '@cloister/files';
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

/** The cache directory: the option, else `CLOISTER_CACHE_DIR`, else the platform's. */
export function cacheDirectory(option?: string, env: NodeJS.ProcessEnv = process.env): string {
  return option ?? (env.CLOISTER_CACHE_DIR ? env.CLOISTER_CACHE_DIR : files.placeOf('cache', env));
}

export function cacheAt(root: string): Cache {
  return { root, blobs: join(root, 'blobs'), images: join(root, 'images'), archive: join(root, 'archive') };
}

/** Makes a directory and its parents, private to the user. Throws `cache-unwritable` or `cache-full`. */
export async function makeDirectory(path: string): Promise<void> {
  await files.makePrivateDirectory(path).catch((error) => failFile(path, error));
}

/** Writes a whole file or nothing. Throws `cache-unwritable` or `cache-full`. */
export async function writeAtomically(path: string, content: Uint8Array | string): Promise<void> {
  await files.writeAtomically(path, content).catch((error) => failFile(path, error));
}

/** The file's bytes, or `undefined` where there is none. */
export async function readIfThere(path: string): Promise<Buffer | undefined> {
  return files.readIfThere(path).catch((error) => failFile(path, error));
}
