import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { BuilderError, debEntries, plainFile, repackDeb, TAR_END, tarHeader, tarPadding } from '@cloister/builder';
import { fail, failFile, throwIfAborted } from '../failure.ts';
import type { FileEntry } from '../store/manifest.ts';

/** What a scratch disk carries, in this order. */
export interface ScratchContents {
  /** Packages whose files are laid out at the archive's root, for a system to work in. */
  readonly unpacked: readonly PackageFile[];
  /** Made first: what the guest selects by name must stand in the archive by that name. */
  readonly directories: readonly string[];
  /** Packages to install, each as the file `target`, repacked without compression. */
  readonly debs: readonly (PackageFile & { readonly target: string })[];
  /** Further files, which may tell of the repacked packages. */
  readonly files: (
    repacked: ReadonlyMap<string, FileEntry>,
  ) => readonly { readonly name: string; readonly content: Uint8Array }[];
}

export interface PackageFile {
  readonly name: string;
  /** The downloaded package. */
  readonly path: string;
}

const PACKAGE_LIMIT = 2 * 1024 * 1024 * 1024;
const SECTOR = 512;

/** Documentation, manuals and translations, which a build needs no more than the image. */
const LEFT_OUT = /^usr\/share\/(doc|man|locale|info|lintian|i18n|zoneinfo)(\/|$)/;

/**
 * Writes a scratch disk: a plain tar archive from the first byte of the disk, which any tar reads from the device, with no
 * file system and no module. A block device of whole sectors. Throws `bad-package`, `cache-full`, `cache-unwritable`, `aborted`.
 */
export async function writeScratchDisk(
  path: string,
  contents: ScratchContents,
  signal: AbortSignal | undefined,
): Promise<void> {
  const file = await open(path, 'wx', 0o600).catch((error) => failFile(path, error));
  const write = async (...parts: readonly Uint8Array[]) => {
    for (const part of parts) await file.appendFile(part).catch((error) => failFile(path, error));
  };
  try {
    for (const { name, path: deb } of contents.unpacked) {
      throwIfAborted(signal);
      await reading(name, async () => {
        for await (const { header, content } of debEntries(createReadStream(deb), PACKAGE_LIMIT)) {
          if (header.name === '' || LEFT_OUT.test(header.name)) continue;
          await write(tarHeader(header));
          for await (const chunk of content) await write(chunk);
          await write(tarPadding(header.size));
        }
      });
    }
    for (const name of contents.directories)
      await write(tarHeader({ ...plainFile(name, 0, 0o755), kind: 'directory' }));
    const repacked = new Map<string, FileEntry>();
    for (const { name, path: deb, target } of contents.debs) {
      throwIfAborted(signal);
      const packed = await reading(name, () => repackDeb(createReadStream(deb), PACKAGE_LIMIT));
      await write(tarHeader(plainFile(target, packed.length)), packed, tarPadding(packed.length));
      repacked.set(name, { size: packed.length, sha256: createHash('sha256').update(packed).digest('hex') });
    }
    for (const { name, content } of contents.files(repacked))
      await write(tarHeader(plainFile(name, content.length)), content, tarPadding(content.length));
    await write(TAR_END);
    const { size } = await file.stat();
    await file.truncate(Math.ceil(size / SECTOR) * SECTOR);
  } finally {
    await file.close();
  }
}

async function reading<T>(name: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof BuilderError)
      fail('bad-package', `The package "${name}" cannot be read (${error.message.toLowerCase()})`, error);
    throw error;
  }
}
