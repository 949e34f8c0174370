import { copyFile, link } from 'node:fs/promises';
import { join } from 'node:path';
import type { PackageRecord } from '@cloister/builder';
import { ARCHIVE_KEY_PINS } from './archive/keys.ts';
import { openSuite, SUITES, type Suite, type SuiteName } from './archive/suite.ts';
import { type Cache, cacheAt, cacheDirectory, writeAtomically } from './cache.ts';
import type { DownloadContext } from './download.ts';
import { fail, failFile, throwIfAborted } from './failure.ts';
import { withLock } from './lock.ts';
import { mirrorCandidates } from './mirror/mirror.ts';
import type { ProgressSink } from './progress.ts';
import type { StartVirtualMachine } from './recipes/build-machine.ts';
import { COMMAND_LINE } from './recipes/busybox.ts';
import { buildDebian } from './recipes/debian.ts';
import {
  cachedGuestParts,
  fetchGuestParts,
  type GuestParts,
  INIT_VERSION,
  initramfsOf,
} from './recipes/guest-parts.ts';
import {
  findImage,
  imageDirectory,
  imageLock,
  imageNames,
  makeImage,
  removeImage,
  writeImageFile,
} from './store/image-store.ts';
import { type ImageManifest, INITRD, KERNEL, MANIFEST, type PackageEntry, ROOT_DISK } from './store/manifest.ts';

export interface ImagesOptions {
  /** `--mirror`: this mirror and no other. */
  readonly mirror?: string | undefined;
  readonly cacheDirectory?: string | undefined;
  /** Refuse a suite other than the first, and a release past its Valid-Until. */
  readonly strictMirror?: boolean | undefined;
  readonly progress?: ProgressSink | undefined;
  /** Told one line where something is done that the user should know of. */
  readonly warn?: ((line: string) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly startVirtualMachine: StartVirtualMachine;
  /** For tests: other archive keys, another environment, another clock (ms since 1970), another apt configuration. */
  readonly testing?: {
    readonly pins?: ReadonlySet<string>;
    readonly env?: NodeJS.ProcessEnv;
    readonly now?: () => number;
    readonly aptDirectory?: string;
  };
}

/** A bootable image: the files to boot from, as paths on the host. The root disk must not be written to. */
export interface Image {
  readonly name: string;
  readonly kernel: string;
  readonly initrd: string;
  readonly rootDisk?: string;
  readonly commandLine: string;
  readonly manifest: ImageManifest;
}

export interface BuildOptions {
  /** Default `debian`. */
  readonly from?: string;
  readonly packages: readonly string[];
}

export interface Images {
  /** The image of that name; a built-in one is made if it is not there yet. Needs no network the second time. */
  pull(name: string): Promise<Image>;
  /** Makes the image `name` from another with more packages. Replaces an image of that name. */
  build(name: string, options: BuildOptions): Promise<Image>;
  list(): Promise<ImageManifest[]>;
  /** Throws `unknown-image`. */
  inspect(name: string): Promise<ImageManifest>;
  /** Throws `unknown-image`. */
  remove(name: string): Promise<void>;
}

/** Everything that works on images shares this. */
export interface ImagesContext {
  readonly cache: Cache;
  readonly options: ImagesOptions;
  readonly now: () => number;
}

/** Access to the images in a cache directory. Nothing is touched before the first call. */
export function openImages(options: ImagesOptions): Images {
  const cache = cacheAt(cacheDirectory(options.cacheDirectory, options.testing?.env));
  const context: ImagesContext = { cache, options, now: options.testing?.now ?? Date.now };
  return {
    pull: (name) => pull(context, name),
    build: (name, build) => fail('build-failed', `Not implemented yet: ${name} ${build.packages.join()}`),
    async list() {
      const found = await Promise.all((await imageNames(cache)).map((name) => findImage(cache, name)));
      return found.filter((manifest) => manifest !== undefined);
    },
    async inspect(name) {
      return (await findImage(cache, name)) ?? unknown(name);
    },
    async remove(name) {
      if (!(await removeImage(cache, name))) unknown(name);
    },
  };
}

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

/** Runs `work` while no other process makes this image. */
export function withImageLock<T>(context: ImagesContext, name: string, work: () => Promise<T>): Promise<T> {
  const waiting = () => context.options.warn?.(`Waiting for another Cloister that is making the image "${name}"`);
  return withLock(imageLock(context.cache, name), context.options.signal, waiting, work);
}

/** The paths of an image that is there. */
export function imageOf(context: ImagesContext, manifest: ImageManifest): Image {
  const directory = imageDirectory(context.cache, manifest.name);
  return {
    name: manifest.name,
    kernel: join(directory, KERNEL),
    initrd: join(directory, INITRD),
    ...(manifest.rootDisk === null ? {} : { rootDisk: join(directory, ROOT_DISK) }),
    commandLine: manifest.commandLine,
    manifest,
  };
}

export function unknown(name: string): never {
  fail('unknown-image', `There is no image "${name.slice(0, 80)}"`);
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

/** Opens one of the suites on one of the mirrors. */
export async function openArchive(
  context: ImagesContext,
  suites: readonly SuiteName[],
): Promise<{ suite: Suite; download: DownloadContext }> {
  const { options, cache } = context;
  throwIfAborted(options.signal);
  const mirrors = await mirrorCandidates({
    mirror: options.mirror,
    ...(options.testing?.env === undefined ? {} : { env: options.testing.env }),
    ...(options.testing?.aptDirectory === undefined ? {} : { aptDirectory: options.testing.aptDirectory }),
  });
  const suite = await openSuite(
    {
      context: { cache, signal: options.signal },
      mirrors,
      pins: options.testing?.pins ?? ARCHIVE_KEY_PINS,
      strict: options.strictMirror === true,
      warn: options.warn ?? (() => undefined),
      now: context.now,
    },
    suites,
  );
  return { suite, download: { cache, mirror: suite.mirror, signal: options.signal } };
}

async function makeBuiltIn(context: ImagesContext, name: string, recipe: BuiltIn): Promise<ImageManifest> {
  const startedAt = Date.now();
  const { progress } = context.options;
  progress?.({ kind: 'step', text: 'reading the package index', seconds: 0 });
  const { suite, download } = await openArchive(context, recipe.suites);
  const parts = await fetchGuestParts(download, suite.index, progress, startedAt);
  return makeImage(context.cache, name, async (directory) => {
    const built =
      recipe.kind === 'busybox'
        ? undefined
        : await buildDebian(
            {
              context: download,
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
    schema: 1,
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

/** An image that an older Cloister made gets this one's init, from the parts in the cache; without them it stays as it is. */
async function refreshed(context: ImagesContext, manifest: ImageManifest): Promise<ImageManifest> {
  if (manifest.initVersion === INIT_VERSION) return manifest;
  const parts = await cachedGuestParts(context.cache, manifest.guestParts);
  if (parts === undefined) return manifest;
  return withImageLock(context, manifest.name, async () => {
    const directory = imageDirectory(context.cache, manifest.name);
    const initrd = initramfsOf(parts);
    await writeAtomically(join(directory, INITRD), initrd);
    const { createHash } = await import('node:crypto');
    const entry = { size: initrd.length, sha256: createHash('sha256').update(initrd).digest('hex') };
    const next: ImageManifest = { ...manifest, initrd: entry, initVersion: INIT_VERSION };
    await writeAtomically(join(directory, MANIFEST), `${JSON.stringify(next, null, 2)}\n`);
    return next;
  });
}

/** A second name for a file that never changes, or a copy where the file system has no links. */
export async function shareFile(from: string, to: string): Promise<void> {
  await link(from, to).catch(() => copyFile(from, to).catch((error) => failFile(to, error)));
}
