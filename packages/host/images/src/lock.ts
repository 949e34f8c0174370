import { withLock as withLockAt } from '@cloister/files';
import { fail, failFile, ImageError } from './failure.ts';

/**
 * Runs `work` while holding the lock directory `path`, so that an image is built once. `waiting` is called once if another
 * process holds it.
 * @throws ImageError `aborted`, `cache-unwritable`, `cache-full`
 */
export async function withLock<T>(
  path: string,
  signal: AbortSignal | undefined,
  waiting: () => void,
  work: () => Promise<T>,
): Promise<T> {
  let working = false;
  try {
    return await withLockAt(path, signal, waiting, () => {
      working = true;
      return work();
    });
  } catch (error) {
    if (working || error instanceof ImageError) throw error;
    if (signal?.aborted === true) fail('aborted', 'Interrupted', error);
    failFile(path, error);
  }
}
