import { copyFile, link } from 'node:fs/promises';
import { join } from 'node:path';
import { SUITES } from './archive/suite.ts';
import { fail, failFile } from './failure.ts';
import { type Image, type ImagesContext, imageOf, withArchive, withImageLock } from './images-context.ts';
import { builtIn, packageEntry, pull } from './pull.ts';
import { addPackages } from './recipes/added-packages.ts';
import { imageDirectory, makeImage, removeImage } from './store/image-store.ts';
import { INITRD, KERNEL, ROOT_DISK } from './store/manifest.ts';

export interface BuildOptions {
  /** Default `debian`. */
  readonly from?: string | undefined;
  /** Names of Debian packages, at least one. */
  readonly packages: readonly string[];
}

/** Makes the image `name` from another with more packages. Throws `not-built-in`, `no-apt`, `missing-package`, `build-failed`. */
export async function buildImage(context: ImagesContext, name: string, options: BuildOptions): Promise<Image> {
  const startedAt = Date.now();
  imageDirectory(context.cache, name);
  if (builtIn(name) !== undefined) fail('not-built-in', `"${name}" is the name of a built-in image`);
  if (options.packages.length === 0) fail('missing-package', 'No packages are named');
  const from = options.from ?? 'debian';
  const base = await pull(context, from);
  if (base.rootDisk === undefined) fail('no-apt', `The image "${from}" has no apt`);
  const rootDisk = base.rootDisk;
  const suiteName =
    SUITES.find((known) => known === base.manifest.suite) ??
    fail('damaged-image', `The image "${from}" is of an unknown suite`);
  const { progress, startVirtualMachine } = context.options;
  const manifest = await withImageLock(context, name, async () => {
    progress?.({ kind: 'step', text: 'reading the package index', seconds: (Date.now() - startedAt) / 1000 });
    return withArchive(context, [suiteName], async (suite, build) => {
      // An image of that name is replaced only once the new one is whole.
      return await makeImage(
        context.cache,
        name,
        async (directory) => {
          const added = await addPackages(
            {
              context: build,
              index: suite.index,
              suite: suite.name,
              epoch: Math.trunc(suite.release.date / 1000),
              base: {
                kernel: base.kernel,
                initrd: base.initrd,
                rootDisk,
                packages: base.manifest.packages.map((entry) => entry.name),
              },
              packages: options.packages,
              startVirtualMachine,
              progress,
              startedAt,
              directory,
            },
            join(directory, ROOT_DISK),
          );
          await shareFile(base.kernel, join(directory, KERNEL));
          await shareFile(base.initrd, join(directory, INITRD));
          const replaced = new Set(added.packages.map((record) => record.name));
          const kept = base.manifest.packages.filter((entry) => !replaced.has(entry.name));
          return {
            ...base.manifest,
            schema: 2,
            name,
            release: { version: suite.release.version ?? null, date: new Date(suite.release.date).toISOString() },
            passedOver: [],
            expired: suite.expired,
            from,
            added: options.packages,
            packages: [...kept, ...added.packages.map(packageEntry)],
            rootDisk: added.disk,
          };
        },
        () => removeImage(context.cache, name),
      );
    });
  });
  return imageOf(context, manifest);
}

/** A second name for a file that never changes, or a copy where the file system has no links. */
async function shareFile(from: string, to: string): Promise<void> {
  await link(from, to).catch(() => copyFile(from, to).catch((error) => failFile(to, error)));
}
