import { createHash, randomBytes } from 'node:crypto';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { PackageRecord } from '@cloister/builder';
import type { PackageIndex } from '../archive/package-index.ts';
import { type Cache, makeDirectory } from '../cache.ts';
import type { DownloadContext } from '../download.ts';
import { downloadAll } from '../download-all.ts';
import { fail, failFile } from '../failure.ts';
import { GUEST_INIT } from '../guest/init.ts';
import type { ProgressSink } from '../progress.ts';
import { guestInitramfs, readBusybox } from './busybox.ts';
import { type Kernel, kernelPackages, readKernel, WANTED_MODULES } from './kernel.ts';

/** What every image boots: a kernel with modules, and busybox; kept in the cache under `key`, the hash of what they are made from. */
export interface GuestParts {
  readonly key: string;
  readonly kernel: Kernel;
  readonly busybox: Uint8Array;
  readonly packages: readonly PackageRecord[];
}

/** Changes whenever the initramfs made from the same parts would change. */
export const INIT_VERSION = createHash('sha256').update(GUEST_INIT).digest('hex').slice(0, 16);

/** The packages of a suite's guest parts. Throws `missing-kernel` or `missing-package`. */
export function guestPartPackages(index: PackageIndex): PackageRecord[] {
  const busybox =
    index.newest('busybox-static') ?? fail('missing-package', 'The suite has no package "busybox-static"');
  return [...kernelPackages(index), busybox];
}

/**
 * Downloads and unpacks the guest parts, or takes them from the cache. The kernel's packages (112 MB) are dropped from
 * the cache once unpacked. Throws as `downloadAll`, `readKernel`, `readBusybox`.
 */
export async function fetchGuestParts(
  context: DownloadContext,
  index: PackageIndex,
  progress: ProgressSink | undefined,
  startedAt: number,
): Promise<GuestParts> {
  const packages = guestPartPackages(index);
  const key = createHash('sha256')
    .update([...packages.map(({ sha256 }) => sha256), ...WANTED_MODULES].join('\n'))
    .digest('hex')
    .slice(0, 32);
  const cached = await cachedGuestParts(context.cache, key);
  if (cached !== undefined) return { ...cached, packages };
  const files = await downloadAll(context, packages, progress, startedAt);
  progress?.({ kind: 'step', text: 'unpacking the kernel', seconds: (Date.now() - startedAt) / 1000 });
  const kernelFiles = packages.filter(({ name }) => name !== 'busybox-static').map(({ name }) => files.get(name)!);
  const parts = {
    key,
    kernel: await readKernel(kernelFiles),
    busybox: await readBusybox(files.get('busybox-static')!),
  };
  await keep(context.cache, parts);
  for (const file of kernelFiles) await rm(file, { force: true });
  return { ...parts, packages };
}

/** Parts that were unpacked before; `undefined` where they are not in the cache. */
export async function cachedGuestParts(cache: Cache, key: string): Promise<Omit<GuestParts, 'packages'> | undefined> {
  const directory = join(cache.root, 'guest-parts', key);
  try {
    const order = (await readFile(join(directory, 'order'), 'utf8')).split('\n').filter((name) => name !== '');
    const modules = await Promise.all(
      order.map(async (name) => ({ name, content: await readFile(join(directory, `${name}.ko`)) })),
    );
    return {
      key,
      kernel: { image: await readFile(join(directory, 'Image')), modules },
      busybox: await readFile(join(directory, 'busybox')),
    };
  } catch (error) {
    if ((error as { code?: string }).code === 'ENOENT') return undefined;
    failFile(directory, error);
  }
}

/** The initramfs of all images. */
export function initramfsOf(parts: Pick<GuestParts, 'kernel' | 'busybox'>): Uint8Array {
  return guestInitramfs(parts.kernel, parts.busybox);
}

async function keep(cache: Cache, { key, kernel, busybox }: Omit<GuestParts, 'packages'>): Promise<void> {
  const directory = join(cache.root, 'guest-parts', key);
  await makeDirectory(join(cache.root, 'guest-parts'));
  const work = `${directory}.new-${randomBytes(6).toString('hex')}`;
  try {
    await mkdir(work, { mode: 0o700 });
    await writeFile(join(work, 'Image'), kernel.image);
    await writeFile(join(work, 'busybox'), busybox);
    for (const { name, content } of kernel.modules) await writeFile(join(work, `${name}.ko`), content);
    await writeFile(join(work, 'order'), kernel.modules.map(({ name }) => `${name}\n`).join(''));
    await rename(work, directory);
  } catch (error) {
    await rm(work, { recursive: true, force: true });
    const code = (error as { code?: string }).code;
    // Another process has just kept the same parts.
    if (code === 'ENOTEMPTY' || code === 'EEXIST') return;
    failFile(work, error);
  }
}
