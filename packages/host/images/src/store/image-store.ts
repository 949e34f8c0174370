import { createHash, randomBytes } from 'node:crypto';
import { readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isAlive } from '@cloister/files';
import { type Cache, makeDirectory } from '../cache.ts';
import { fail, failFile } from '../failure.ts';
import { hashTreeBytes } from './hash-tree-file.ts';
import {
  type FileEntry,
  type ImageManifest,
  INITRD,
  KERNEL,
  MANIFEST,
  ROOT_DISK,
  ROOT_TREE,
  readManifest,
} from './manifest.ts';

const NAME = /^[a-z0-9][a-z0-9_.-]{0,62}(?::[a-z0-9][a-z0-9_.-]{0,31})?$/;

/** The directory of an image. Throws `bad-name`. */
export function imageDirectory(cache: Cache, name: string): string {
  if (!NAME.test(name)) fail('bad-name', `"${name.slice(0, 80)}" is not the name of an image`);
  // A colon cannot stand in a file name everywhere.
  return join(cache.images, name.replace(':', '@'));
}

/** The lock that is held while an image is made. */
export function imageLock(cache: Cache, name: string): string {
  return `${imageDirectory(cache, name)}.lock`;
}

/** The manifest of an image whose files are all there, `undefined` where there is none. Throws `damaged-image`, `newer-image`. */
export async function findImage(cache: Cache, name: string): Promise<ImageManifest | undefined> {
  const directory = imageDirectory(cache, name);
  const manifest = await readManifest(directory, name);
  if (manifest === undefined) return undefined;
  const files: [string, { readonly size: number } | null][] = [
    [KERNEL, manifest.kernel],
    [INITRD, manifest.initrd],
    [ROOT_DISK, manifest.rootDisk],
    [ROOT_TREE, manifest.rootDisk?.rootHash === undefined ? null : { size: hashTreeBytes(manifest.rootDisk.size) }],
  ];
  for (const [file, entry] of files) {
    if (entry === null) continue;
    const found = await stat(join(directory, file)).catch(() => undefined);
    if (found?.size !== entry.size)
      fail('damaged-image', `The file "${file}" of the image "${name}" is missing or damaged`);
  }
  return manifest;
}

/** The names of all images in the cache, sorted. */
export async function imageNames(cache: Cache): Promise<string[]> {
  const entries = await readdir(cache.images).catch((error) => {
    if ((error as { code?: string }).code === 'ENOENT') return [] as string[];
    return failFile(cache.images, error);
  });
  return entries
    .map((entry) => entry.replace('@', ':'))
    .filter((name) => NAME.test(name) && !name.endsWith('.lock'))
    .sort();
}

/** Removes an image at once: its directory is renamed away first. False where there is none. Throws `bad-name`, `cache-unwritable`. */
export async function removeImage(cache: Cache, name: string): Promise<boolean> {
  const directory = imageDirectory(cache, name);
  const doomed = workName(cache);
  try {
    await rename(directory, doomed);
  } catch (error) {
    if ((error as { code?: string }).code === 'ENOENT') return false;
    failFile(directory, error);
  }
  await rm(doomed, { recursive: true, force: true });
  return true;
}

/**
 * Makes an image in a directory of its own, which gets the image's name only when `make` has ended well; a half-made one
 * is removed. `replace` is called just before, to make room for it. Call it under the image's lock.
 */
export async function makeImage(
  cache: Cache,
  name: string,
  make: (directory: string) => Promise<ImageManifest>,
  replace?: () => Promise<unknown>,
): Promise<ImageManifest> {
  await makeDirectory(cache.images);
  await removeLeftovers(cache);
  const work = workName(cache);
  await makeDirectory(work);
  try {
    const manifest = await make(work);
    await writeFile(join(work, MANIFEST), `${JSON.stringify(manifest, null, 2)}\n`, { mode: 0o600 });
    await replace?.();
    await rename(work, imageDirectory(cache, name));
    return manifest;
  } catch (error) {
    await rm(work, { recursive: true, force: true });
    failFile(work, error);
  }
}

/** Writes a file of an image that is being made, and returns its entry. Throws `cache-full`, `cache-unwritable`. */
export async function writeImageFile(directory: string, name: string, content: Uint8Array): Promise<FileEntry> {
  await writeFile(join(directory, name), content, { mode: 0o600 }).catch((error) =>
    failFile(join(directory, name), error),
  );
  return { size: content.length, sha256: createHash('sha256').update(content).digest('hex') };
}

/** A work directory's name tells its owner's pid, so that what a killed process left can be removed. */
function workName(cache: Cache): string {
  return join(cache.images, `.work-${process.pid}-${randomBytes(6).toString('hex')}`);
}

async function removeLeftovers(cache: Cache): Promise<void> {
  for (const entry of await readdir(cache.images).catch(() => [])) {
    const match = /^\.work-(\d+)-/.exec(entry);
    if (match !== null && Number(match[1]) !== process.pid && !isAlive(Number(match[1]))) {
      await rm(join(cache.images, entry), { recursive: true, force: true });
    }
  }
}
