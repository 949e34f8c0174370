import { createHash, randomBytes } from 'node:crypto';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type PackageIndex, packagesNamed } from '../archive/package-index.ts';
import { type BuildContext, withBuilder } from '../builder/builder.ts';
import type { PackageRecord } from '../builder/package-record.ts';
import { Refusal } from '../builder/refusal.ts';
import { type Cache, makeDirectory } from '../cache.ts';
import { downloadAll } from '../download-all.ts';
import { fail, failFile } from '../failure.ts';
import { GUEST_INIT } from '../guest/init.ts';
import type { ProgressSink } from '../progress.ts';
import { guestInitramfs, readBusybox } from './busybox.ts';
import { type Kernel, readKernel, WANTED_MODULES } from './kernel.ts';

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
export async function guestPartPackages(index: PackageIndex): Promise<PackageRecord[]> {
  const busybox = await packagesNamed(index, ['busybox-static']);
  try {
    return [...(await index.select('kernel')), ...busybox];
  } catch (error) {
    if (error instanceof Refusal) fail('missing-kernel', error.message, error);
    throw error;
  }
}

/**
 * Downloads and unpacks the guest parts, or takes them from the cache. The kernel's packages (112 MB) are dropped from
 * the cache once unpacked. Throws as `downloadAll`, `readKernel`, `readBusybox`.
 */
export async function fetchGuestParts(
  context: BuildContext,
  index: PackageIndex,
  progress: ProgressSink | undefined,
  startedAt: number,
): Promise<GuestParts> {
  const packages = await guestPartPackages(index);
  const key = createHash('sha256')
    .update([...packages.map(({ sha256 }) => sha256), ...WANTED_MODULES].join('\n'))
    .digest('hex')
    .slice(0, 32);
  const cached = await cachedGuestParts(context.cache, key);
  if (cached !== undefined) return { ...cached, packages };
  const files = await downloadAll(context, packages, progress, startedAt);
  progress?.({ kind: 'step', text: 'unpacking the kernel', seconds: (Date.now() - startedAt) / 1000 });
  const kernelFiles = packages.filter(({ name }) => name !== 'busybox-static').map(({ name }) => files.get(name)!);
  // All images boot these: no other package is read by the same builder.
  const parts = await withBuilder(context, 'the kernel packages', async (builder) => ({
    key,
    kernel: await readKernel(builder, kernelFiles),
    busybox: await readBusybox(builder, files.get('busybox-static')!),
  })).catch((error) => {
    if (error instanceof Refusal)
      fail('bad-package', `The kernel packages cannot be read (${error.message.toLowerCase()})`, error);
    throw error;
  });
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
