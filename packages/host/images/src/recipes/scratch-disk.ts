import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { type BuildContext, type Builder, withBuilder } from '../builder/builder.ts';
import { Refusal } from '../builder/refusal.ts';
import type { ByteSource } from '../collect.ts';
import { fail, failFile, throwIfAborted } from '../failure.ts';
import type { FileEntry } from '../store/manifest.ts';
import { plainFile, TAR_END, tarHeader, tarPadding } from '../tar-write.ts';

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
  ) => Promise<readonly { readonly name: string; readonly content: Uint8Array }[]>;
}

export interface PackageFile {
  readonly name: string;
  /** The downloaded package. */
  readonly path: string;
}

const PACKAGE_LIMIT = 2 * 1024 * 1024 * 1024;
/** A builder holds what it repacks; a larger package stays as it is, and the guest decompresses it. */
const REPACK_LIMIT = 512 * 1024 * 1024;
const SECTOR = 512;

/** All but the root, and documentation, manuals and translations, which a build needs no more than the image. */
const LAID_OUT = /^(?!usr\/share\/(doc|man|locale|info|lintian|i18n|zoneinfo)(\/|$))./;

/**
 * Writes a scratch disk: a plain tar archive from the first byte of the disk, which any tar reads from the device, with no
 * file system and no module. A block device of whole sectors. Throws `bad-package`, `cache-full`, `cache-unwritable`, `aborted`.
 */
export async function writeScratchDisk(context: BuildContext, path: string, contents: ScratchContents): Promise<void> {
  const file = await open(path, 'wx', 0o600).catch((error) => failFile(path, error));
  const write = async (bytes: Uint8Array) => {
    await file.appendFile(bytes).catch((error) => failFile(path, error));
  };
  try {
    await withBuilder(context, 'the packages', async (builder) => {
      for (const { name, path: deb } of contents.unpacked) {
        throwIfAborted(context.signal);
        await reading(name, async () => {
          for await (const { header, content } of builder.entries(deb, LAID_OUT, PACKAGE_LIMIT)) {
            await write(tarHeader(header));
            for await (const chunk of content) await write(chunk);
            await write(tarPadding(header.size));
          }
        });
      }
      for (const name of contents.directories)
        await write(tarHeader({ ...plainFile(name, 0, 0o755), type: 'directory' }));
      const repacked = new Map<string, FileEntry>();
      for (const { name, path: deb, target } of contents.debs) {
        throwIfAborted(context.signal);
        await reading(name, async () => {
          const { size, content } = await uncompressed(builder, deb);
          await write(tarHeader(plainFile(target, size)));
          const hash = createHash('sha256');
          for await (const chunk of content) {
            hash.update(chunk);
            await write(chunk);
          }
          await write(tarPadding(size));
          repacked.set(name, { size, sha256: hash.digest('hex') });
        });
      }
      for (const { name, content } of await contents.files(repacked)) {
        await write(tarHeader(plainFile(name, content.length)));
        await write(content);
        await write(tarPadding(content.length));
      }
    });
    await write(TAR_END);
    const { size } = await file.stat();
    await file.truncate(Math.ceil(size / SECTOR) * SECTOR);
  } finally {
    await file.close();
  }
}

async function uncompressed(builder: Builder, deb: string): Promise<{ size: number; content: ByteSource }> {
  try {
    return await builder.repack(deb, REPACK_LIMIT);
  } catch (error) {
    if (!(error instanceof Refusal) || error.code !== 'too-large') throw error;
    return { size: (await stat(deb)).size, content: createReadStream(deb) };
  }
}

async function reading(name: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (error instanceof Refusal)
      fail('bad-package', `The package "${name}" cannot be read (${error.message.toLowerCase()})`, error);
    throw error;
  }
}
