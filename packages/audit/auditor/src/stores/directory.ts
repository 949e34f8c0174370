import { type FileHandle, lstat, open, opendir, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { AUDIT_TAGS_FOLDER } from '@cloister/protocol';
import { fail } from '../audit-error.ts';
import { type Store, StoreLoss } from './store.ts';

/** Files that stay open for the next read. */
const OPEN_FILES = 32;

interface OpenFile {
  readonly handle: Promise<FileHandle>;
  readers: number;
}

/** A directory with all that lies below it: plain files are its objects; links and special files are none. */
export async function directoryStore(path: string): Promise<Store> {
  const root = await realpath(path).catch((error) => fail('bad-store', `Cannot read "${path}"`, error));
  if (!(await lstat(root)).isDirectory()) fail('bad-store', `"${path}" is no directory`);
  const files = new Map<string, OpenFile>();

  /** Runs `work` on a file that nobody closes meanwhile. */
  async function withFile<T>(name: string, work: (handle: FileHandle) => Promise<T>): Promise<T> {
    const file = files.get(name) ?? { handle: open(join(root, name), 'r'), readers: 0 };
    // The one that was used last goes last.
    files.delete(name);
    files.set(name, file);
    file.readers += 1;
    try {
      return await work(await file.handle);
    } catch (error) {
      files.delete(name);
      throw error;
    } finally {
      file.readers -= 1;
      await closeSome(file);
    }
  }
  async function closeSome(used: OpenFile): Promise<void> {
    // One that failed is no longer in the list.
    const gone = [...files.values()].includes(used) ? [] : [used];
    for (const [name, file] of files)
      if (files.size > OPEN_FILES && file.readers === 0) {
        files.delete(name);
        gone.push(file);
      }
    for (const file of gone) if (file.readers === 0) await closeFile(file);
  }

  async function* below(folder: string): AsyncGenerator<string> {
    for await (const entry of await opendir(join(root, folder))) {
      const name = folder === '' ? entry.name : `${folder}/${entry.name}`;
      // Tags of ours that lie beside the data are none of it.
      if (name === AUDIT_TAGS_FOLDER) continue;
      if (entry.isDirectory()) yield* below(name);
      else if (entry.isFile()) yield name;
    }
  }

  return {
    name: root,
    async *list() {
      try {
        for await (const name of below('')) {
          const { size, mtimeNs } = await lstat(join(root, name), { bigint: true });
          yield { path: name, bytes: Number(size), pin: `${mtimeNs}` };
        }
      } catch (error) {
        throw lossOf(error);
      }
    },
    async read(name, _pin, offset, length) {
      try {
        return await withFile(name, async (file) => {
          const bytes = Buffer.allocUnsafe(length);
          let end = 0;
          while (end < length) {
            const { bytesRead } = await file.read(bytes, end, length - end, offset + end);
            if (bytesRead === 0) break;
            end += bytesRead;
          }
          return bytes.subarray(0, end);
        });
      } catch (error) {
        throw lossOf(error);
      }
    },
    async close() {
      for (const file of files.values()) await closeFile(file);
      files.clear();
    },
  };
}

async function closeFile({ handle }: OpenFile): Promise<void> {
  await (await handle.catch(() => undefined))?.close();
}

function lossOf(error: unknown): StoreLoss {
  const { code, message } = error as { code?: string; message: string };
  if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'EISDIR') return new StoreLoss('missing', message);
  if (code === 'ETIMEDOUT') return new StoreLoss('timed-out', message);
  return new StoreLoss(code === 'EIO' || code === 'EACCES' || code === 'EPERM' ? 'unreachable' : 'unknown', message);
}
