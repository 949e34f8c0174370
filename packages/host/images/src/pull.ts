import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { SUITES, type Suite, type SuiteName } from './archive/suite.ts';
import type { PackageRecord } from './builder/package-record.ts';
import { writeAtomically } from './cache.ts';
import { fail } from './failure.ts';
import { type Image, type ImagesContext, imageOf, unknown, withArchive, withImageLock } from './images-context.ts';
import { COMMAND_LINE } from './recipes/busybox.ts';
import { buildDebian } from './recipes/debian.ts';
import {
  cachedGuestParts,
  fetchGuestParts,
  type GuestParts,
  INIT_VERSION,
  initramfsOf,
} from './recipes/guest-parts.ts';
import { diskDigest } from './store/disk-digest.ts';
import { writeHashTree } from './store/hash-tree-file.ts';
import { findImage, imageDirectory, makeImage, writeImageFile } from './store/image-store.ts';
import {
  type ImageManifest,
  INITRD,
  KERNEL,
  MANIFEST,
  type PackageEntry,
  ROOT_DISK,
  ROOT_TREE,
  type RootDiskEntry,
} from './store/manifest.ts';

/** The image of that name, made if it is a built-in one that is not there. */
export async function pull(context: ImagesContext, name: string): Promise<Image> {
  const present = await findImage(context.cache, name);
  if (present !== undefined) return imageOf(context, await refreshed(context, present));
  const recipe = builtIn(name) ?? unknown(name);
  const manifest = await withImageLock(context, name, async () => {
    // Another process may have made it while this one waited.
    return (await findImage(context.cache, name)) ?? (await makeBuiltIn(context, name, recipe));
  });
  return imageOf(context, manifest);
}

interface BuiltIn {
  readonly kind: 'busybox' | 'debian';
  readonly suites: readonly SuiteName[];
}

/** Bare names take the first suite that verifies; a suite that is named is the only one. */
export function builtIn(name: string): BuiltIn | undefined {
  const [kind, tag] = name.split(':');
  if (kind !== 'busybox' && kind !== 'debian') return undefined;
  if (tag === undefined) return { kind, suites: SUITES };
  const alias: Readonly<Record<string, SuiteName>> = { stable: 'trixie', testing: 'forky', unstable: 'sid' };
  const suite = SUITES.find((known) => known === (alias[tag] ?? tag));
  return suite === undefined ? undefined : { kind, suites: [suite] };
}

async function makeBuiltIn(context: ImagesContext, name: string, recipe: BuiltIn): Promise<ImageManifest> {
  const startedAt = Date.now();
  const { progress } = context.options;
  progress?.({ kind: 'step', text: 'reading the package index', seconds: 0 });
  return withArchive(context, recipe.suites, async (suite, build) => {
    const parts = await fetchGuestParts(build, suite.index, progress, startedAt);
    return makeImage(context.cache, name, async (directory) => {
      const built =
        recipe.kind === 'busybox'
          ? undefined
          : await buildDebian(
              {
                context: build,
                index: suite.index,
                suite: suite.name,
                epoch: Math.trunc(suite.release.date / 1000),
                parts,
                startVirtualMachine: context.options.startVirtualMachine,
                progress,
                startedAt,
                directory,
              },
              join(directory, ROOT_DISK),
            );
      return manifestOf(directory, {
        name,
        suite,
        parts,
        packages: [...parts.packages, ...(built?.packages ?? [])],
        rootDisk: built?.disk ?? null,
      });
    });
  });
}

interface ManifestParts {
  readonly name: string;
  readonly suite: Suite;
  readonly parts: GuestParts;
  readonly packages: readonly PackageRecord[];
  readonly rootDisk: ImageManifest['rootDisk'];
}

async function manifestOf(
  directory: string,
  { name, suite, parts, packages, rootDisk }: ManifestParts,
): Promise<ImageManifest> {
  return {
    schema: 2,
    name,
    suite: suite.name,
    release: { version: suite.release.version ?? null, date: new Date(suite.release.date).toISOString() },
    passedOver: suite.passedOver,
    expired: suite.expired,
    from: null,
    added: [],
    packages: packages.map(packageEntry),
    kernel: await writeImageFile(directory, KERNEL, parts.kernel.image),
    initrd: await writeImageFile(directory, INITRD, initramfsOf(parts)),
    rootDisk,
    commandLine: rootDisk === null ? COMMAND_LINE : `${COMMAND_LINE} cloister.root=/dev/vda`,
    guestParts: parts.key,
    initVersion: INIT_VERSION,
  };
}

export function packageEntry({ name, version, sha256 }: PackageRecord): PackageEntry {
  return { name, version, sha256 };
}

/**
 * An image that an older Cloister made gets a hash tree and this one's init, the latter from the parts in the cache; without
 * them it stays as it is. Throws `damaged-image`.
 */
async function refreshed(context: ImagesContext, manifest: ImageManifest): Promise<ImageManifest> {
  const { name, initVersion, schema } = manifest;
  const parts = initVersion === INIT_VERSION ? undefined : await cachedGuestParts(context.cache, manifest.guestParts);
  if (parts === undefined && schema === 2) return manifest;
  return withImageLock(context, name, async () => {
    const directory = imageDirectory(context.cache, name);
    // Another process may have done it while this one waited.
    let next = (await findImage(context.cache, name)) ?? unknown(name);
    if (next.schema === 1) {
      const { rootDisk } = next;
      next = { ...next, schema: 2, rootDisk: rootDisk && (await withHashTree(directory, name, rootDisk)) };
    }
    if (parts !== undefined) {
      const initrd = initramfsOf(parts);
      await writeAtomically(join(directory, INITRD), initrd);
      const entry = { size: initrd.length, sha256: createHash('sha256').update(initrd).digest('hex') };
      next = { ...next, initrd: entry, initVersion: INIT_VERSION };
    }
    await writeAtomically(join(directory, MANIFEST), `${JSON.stringify(next, null, 2)}\n`);
    return next;
  });
}

/** The tree says what the disk must be from now on: so it must be first what the manifest says that it is. */
async function withHashTree(directory: string, name: string, { size, digest }: RootDiskEntry): Promise<RootDiskEntry> {
  const disk = join(directory, ROOT_DISK);
  if ((await diskDigest(disk)) !== digest) fail('damaged-image', `The root disk of the image "${name}" is damaged`);
  return { size, rootHash: await writeHashTree(disk, join(directory, ROOT_TREE)) };
}
