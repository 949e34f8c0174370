import { join } from 'node:path';
import type { DiskConfig, StartLone } from '@cloister/launcher';
import { ARCHIVE_KEY_PINS } from './archive/keys.ts';
import { createOpenIndex } from './archive/package-index.ts';
import { openSuite, type Suite, type SuiteName } from './archive/suite.ts';
import type { BuildContext } from './builder/builder.ts';
import type { Cache } from './cache.ts';
import { fail, throwIfAborted } from './failure.ts';
import { withLock } from './lock.ts';
import { mirrorCandidates } from './mirror/mirror.ts';
import type { ProgressSink } from './progress.ts';
import type { StartVirtualMachine } from './recipes/build-machine.ts';
import { imageDirectory, imageLock } from './store/image-store.ts';
import { type ImageManifest, INITRD, KERNEL, ROOT_DISK, ROOT_TREE, type RootDiskEntry } from './store/manifest.ts';

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
  readonly startBuilder: StartLone;
  /** For tests: other archive keys, another environment, another clock (ms since 1970), another apt configuration. */
  readonly testing?: {
    readonly pins?: ReadonlySet<string>;
    readonly env?: NodeJS.ProcessEnv;
    readonly now?: () => number;
    readonly aptDirectory?: string;
  };
}

/** A bootable image: the files to boot from, as paths on the host. */
export interface Image {
  readonly name: string;
  readonly kernel: string;
  readonly initrd: string;
  /** Ready to be a machine's disk: changes vanish with the run, and what is read is checked. */
  readonly rootDisk?: DiskConfig;
  readonly commandLine: string;
  readonly manifest: ImageManifest;
}

/** Everything that works on images shares this. */
export interface ImagesContext {
  readonly cache: Cache;
  readonly options: ImagesOptions;
  readonly now: () => number;
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
    ...(manifest.rootDisk === null ? {} : { rootDisk: rootDiskOf(directory, manifest.rootDisk) }),
    commandLine: manifest.commandLine,
    manifest,
  };
}

const rootDiskOf = (directory: string, { rootHash }: RootDiskEntry): DiskConfig => ({
  path: join(directory, ROOT_DISK),
  writes: 'discard',
  ...(rootHash === undefined ? {} : { tree: { path: join(directory, ROOT_TREE), rootHash } }),
});

export function unknown(name: string): never {
  fail('unknown-image', `There is no image "${name.slice(0, 80)}"`);
}

/** Opens one of the suites on one of the mirrors, for as long as `work` takes. */
export async function withArchive<T>(
  context: ImagesContext,
  suites: readonly SuiteName[],
  work: (suite: Suite, build: BuildContext) => Promise<T>,
): Promise<T> {
  const { options, cache } = context;
  throwIfAborted(options.signal);
  const mirrors = await mirrorCandidates({
    mirror: options.mirror,
    ...(options.testing?.env === undefined ? {} : { env: options.testing.env }),
    ...(options.testing?.aptDirectory === undefined ? {} : { aptDirectory: options.testing.aptDirectory }),
  });
  const own = { cache, signal: options.signal, startBuilder: options.startBuilder };
  const index = createOpenIndex();
  try {
    const suite = await openSuite(
      {
        context: own,
        index,
        mirrors,
        pins: options.testing?.pins ?? ARCHIVE_KEY_PINS,
        strict: options.strictMirror === true,
        warn: options.warn ?? (() => undefined),
        now: context.now,
      },
      suites,
    );
    return await work(suite, { ...own, mirror: suite.mirror });
  } finally {
    index.end();
  }
}
