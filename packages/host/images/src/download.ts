import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { isAlive } from '@cloister/files';
import { type Cache, makeDirectory } from './cache.ts';
import { fail, failFile, ImageError, throwIfAborted } from './failure.ts';
import { bodyOf, get } from './http.ts';
import type { Mirror } from './mirror/mirror.ts';

/** What to download: a path below the mirror, with the size in bytes and lower-case hex SHA-256 that it must have. */
export interface Wanted {
  readonly path: string;
  readonly size: number;
  readonly sha256: string;
}

export interface DownloadContext {
  readonly cache: Cache;
  readonly mirror: Mirror;
  readonly signal: AbortSignal | undefined;
}

const ATTEMPTS = 3;

/** The file of a blob that is complete, or `undefined`. Its content was checked before it got that name. */
export async function cachedBlob(cache: Cache, wanted: Pick<Wanted, 'sha256' | 'size'>): Promise<string | undefined> {
  const path = join(cache.blobs, wanted.sha256);
  const found = await stat(path).catch(() => undefined);
  return found?.size === wanted.size ? path : undefined;
}

/**
 * Downloads into the cache by content and returns the file's path. Goes on from where an earlier try stopped; the file
 * gets its name only when size and hash are right. `onTotal` is told how many of its bytes are there. Throws `mirror-unreachable`,
 * `mirror-incomplete` (404), `bad-hash`, `aborted`, `cache-unwritable`, `cache-full`.
 */
export function download(context: DownloadContext, wanted: Wanted, onTotal?: (bytes: number) => void): Promise<string> {
  // Two images of one process may want the same blob: the second waits for the first.
  const key = join(context.cache.blobs, wanted.sha256);
  const running = inFlight.get(key);
  if (running !== undefined) return running;
  const work = downloadOnce(context, wanted, onTotal).finally(() => inFlight.delete(key));
  inFlight.set(key, work);
  return work;
}

const inFlight = new Map<string, Promise<string>>();

async function downloadOnce(
  context: DownloadContext,
  wanted: Wanted,
  onTotal?: (bytes: number) => void,
): Promise<string> {
  const cached = await cachedBlob(context.cache, wanted);
  if (cached !== undefined) {
    onTotal?.(wanted.size);
    return cached;
  }
  await makeDirectory(context.cache.blobs);
  const part = await claimPart(context.cache, wanted.sha256);
  for (let attempt = 1; ; attempt++) {
    throwIfAborted(context.signal);
    try {
      await attemptDownload(context, wanted, part, onTotal);
      break;
    } catch (error) {
      // Only a broken connection is worth another try; it goes on from what is there.
      const again = error instanceof ImageError && error.code === 'mirror-unreachable' && attempt < ATTEMPTS;
      if (!again) throw error;
      await delay(300 * attempt);
    }
  }
  const path = join(context.cache.blobs, wanted.sha256);
  await rename(part, path).catch((error) => failFile(path, error));
  return path;
}

async function attemptDownload(
  context: DownloadContext,
  wanted: Wanted,
  part: string,
  onTotal?: (bytes: number) => void,
): Promise<void> {
  const hash = createHash('sha256');
  const file = await open(part, 'a+', 0o600).catch((error) => failFile(part, error));
  try {
    let have = (await file.stat()).size;
    if (have > wanted.size) {
      await file.truncate(0);
      have = 0;
    }
    if (have > 0) for await (const chunk of createReadStream(part)) hash.update(chunk as Uint8Array);
    if (have < wanted.size) await receive(context, wanted, file, have, hash, onTotal);
  } finally {
    const empty = (await file.stat()).size === 0;
    await file.close();
    if (empty && wanted.size > 0) await rm(part, { force: true });
  }
  if (hash.digest('hex') !== wanted.sha256) {
    await rm(part, { force: true });
    fail('bad-hash', `"${wanted.path}" does not match its signed hash`);
  }
}

async function receive(
  context: DownloadContext,
  wanted: Wanted,
  file: FileHandle,
  have: number,
  hash: Hash,
  onTotal?: (bytes: number) => void,
): Promise<void> {
  const url = `${context.mirror.url}/${wanted.path.split('/').map(encodeURIComponent).join('/')}`;
  const response = await get(url, { proxy: context.mirror.proxy, signal: context.signal, from: have });
  const resumed =
    have > 0 && response.status === 206 && response.headers['content-range']?.startsWith(`bytes ${have}-`) === true;
  if (response.status !== 200 && !resumed) {
    response.body.destroy();
    // Asked for what comes after the end: the mirror's file is shorter than the signed one.
    if (response.status === 416) {
      await file.truncate(0);
      fail('mirror-incomplete', `The mirror's "${wanted.path}" is truncated`);
    }
    if (response.status === 404 || response.status === 410)
      fail('mirror-incomplete', `The mirror does not have "${wanted.path}"`);
    fail('mirror-unreachable', `The mirror answers ${response.status} for "${wanted.path}"`);
  }
  let total = resumed ? have : 0;
  if (!resumed && have > 0) {
    response.body.destroy();
    await file.truncate(0);
    // The next attempt begins anew.
    fail('mirror-unreachable', `The mirror cannot resume "${wanted.path}"`);
  }
  for await (const chunk of bodyOf(response, context.signal)) {
    total += chunk.length;
    // No more than was promised is ever written.
    if (total > wanted.size) {
      await file.truncate(0);
      fail('bad-hash', `"${wanted.path}" is longer than its signed size`);
    }
    hash.update(chunk);
    await file.appendFile(chunk).catch((error) => failFile(wanted.path, error));
    onTotal?.(total);
  }
  if (total < wanted.size) fail('mirror-unreachable', `The download of "${wanted.path}" ended early`);
}

/** This process's partial file for a blob, taken over from a process that died with one. */
async function claimPart(cache: Cache, sha256: string): Promise<string> {
  const own = join(cache.blobs, `${sha256}.part-${process.pid}`);
  for (const name of await readdir(cache.blobs).catch(() => [])) {
    const match = /^([0-9a-f]{64})\.part-(\d+)$/.exec(name);
    if (match?.[1] !== sha256 || Number(match[2]) === process.pid || isAlive(Number(match[2]))) continue;
    await rename(join(cache.blobs, name), own).catch(() => undefined);
    break;
  }
  return own;
}
