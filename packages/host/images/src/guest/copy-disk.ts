import { type FileHandle, lstat, open, readdir, readlink } from 'node:fs/promises';
import { basename, join, posix } from 'node:path';
import type { TarHeader } from '@cloister/protocol';
import { fail, failFile } from '../failure.ts';
import { plainFile, TAR_END, tarHeader, tarPadding } from '../tar-write.ts';

/** What is put into a guest before its command starts. */
export interface Copy {
  /** A file or directory of the host. */
  readonly source: string;
  /** Absolute path in the guest; with a trailing slash the copy keeps its name below it. */
  readonly target: string;
}

/** Where a copy ends up in the guest. */
export function copyTarget({ source, target }: Copy): string {
  return posix.normalize(target.endsWith('/') ? `${target}${basename(source)}` : target);
}

/**
 * Writes a disk for the guest to unpack: a plain tar archive from its first byte, everything root's, with the host's
 * permissions and times; links are kept as links, special files are left out. A whole number of sectors.
 * Throws `unreadable-copy`, `cache-full`, `cache-unwritable`.
 */
export async function writeCopyDisk(path: string, copies: readonly Copy[]): Promise<void> {
  const file = await open(path, 'wx', 0o600).catch((error) => failFile(path, error));
  try {
    for (const copy of copies) await add(file, path, copy.source, copyTarget(copy).replace(/^\/+/, ''));
    await write(file, path, TAR_END);
  } finally {
    await file.close();
  }
}

async function add(file: FileHandle, disk: string, source: string, name: string): Promise<void> {
  const found = await lstat(source).catch((cause) => unreadable(source, cause));
  const header: TarHeader = {
    ...plainFile(name, 0, found.mode & 0o7777),
    mtime: Math.max(0, Math.trunc(found.mtimeMs / 1000)),
  };
  if (found.isSymbolicLink()) {
    await write(file, disk, tarHeader({ ...header, type: 'symlink', linkName: await readlink(source) }));
  } else if (found.isDirectory()) {
    if (name !== '') await write(file, disk, tarHeader({ ...header, type: 'directory' }));
    const entries = await readdir(source).catch((cause) => unreadable(source, cause));
    for (const entry of entries.sort()) await add(file, disk, join(source, entry), posix.join(name, entry));
  } else if (found.isFile()) {
    await write(file, disk, tarHeader({ ...header, size: found.size }));
    await addContent(file, disk, source, found.size);
    await write(file, disk, tarPadding(found.size));
  }
}

/** Exactly as many bytes as the header says, whatever happens to the file meanwhile. */
async function addContent(file: FileHandle, disk: string, source: string, size: number): Promise<void> {
  const from = await open(source).catch((cause) => unreadable(source, cause));
  try {
    const chunk = new Uint8Array(1024 * 1024);
    for (let done = 0; done < size; ) {
      const { bytesRead } = await from.read(chunk, 0, Math.min(chunk.length, size - done));
      if (bytesRead === 0) unreadable(source, new Error('it became shorter'));
      await write(file, disk, chunk.subarray(0, bytesRead));
      done += bytesRead;
    }
  } finally {
    await from.close();
  }
}

async function write(file: FileHandle, path: string, bytes: Uint8Array): Promise<void> {
  await file.appendFile(bytes).catch((error) => failFile(path, error));
}

function unreadable(source: string, cause: unknown): never {
  fail('unreadable-copy', `Cannot read "${source}" to copy it`, cause);
}
