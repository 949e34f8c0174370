import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { makePrivateDirectory } from './whole-files.ts';

/** How often a waiting process looks again. */
const POLL_MS = 200;
/** A lock without an owner's pid is one that is being made, or whose maker died between two calls. */
const OWNERLESS_MS = 5000;

/**
 * Runs `work` while holding the lock directory `path` (an atomic mkdir with the owner's pid inside). `waiting` is called
 * once if another process holds it. The lock of a dead process is taken over.
 * @throws the signal's reason
 */
export async function withLock<T>(
  path: string,
  signal: AbortSignal | undefined,
  waiting: (owner: number | undefined) => void,
  work: () => Promise<T>,
): Promise<T> {
  await makePrivateDirectory(dirname(path));
  let told = false;
  let ownerlessSince: number | undefined;
  for (;;) {
    signal?.throwIfAborted();
    try {
      await mkdir(path, { mode: 0o700 });
      break;
    } catch (error) {
      if ((error as { code?: string }).code !== 'EEXIST') throw error;
    }
    const owner = await ownerOf(path);
    if (owner === undefined) ownerlessSince ??= Date.now();
    const stale = owner === undefined ? Date.now() - (ownerlessSince ?? 0) > OWNERLESS_MS : !isAlive(owner);
    if (stale) {
      await rm(path, { recursive: true, force: true });
      ownerlessSince = undefined;
      continue;
    }
    if (!told) waiting(owner);
    told = true;
    await delay(POLL_MS, undefined, signal === undefined ? {} : { signal }).catch(() => undefined);
  }
  try {
    await writeFile(join(path, 'pid'), String(process.pid));
    return await work();
  } finally {
    await rm(path, { recursive: true, force: true });
  }
}

async function ownerOf(path: string): Promise<number | undefined> {
  const pid = Number(await readFile(join(path, 'pid'), 'utf8').catch(() => ''));
  return Number.isSafeInteger(pid) && pid > 0 ? pid : undefined;
}

/** Whether a process of that id exists (it may be another user's). */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as { code?: string }).code === 'EPERM';
  }
}
