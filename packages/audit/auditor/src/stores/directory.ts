import { constants, type Dir } from 'node:fs';
import { type FileHandle, lstat, open, opendir, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { AUDIT_TAGS_FOLDER } from '@cloister/protocol';
import { fail } from '../audit-error.ts';
import { withinDeadline } from './file-deadline.ts';
import { type Meter, unmetered } from './meter.ts';
import { type Store, type StoredObject, StoreLoss } from './store.ts';

export interface DirectoryOptions {
  readonly meter?: Meter | undefined;
  /** How long a file system may take for an answer. */
  readonly deadlineMs?: number | undefined;
  readonly warn?: ((line: string) => void) | undefined;
}

/** Files that stay open for the next read. */
const OPEN_FILES = 32;
/** Files whose lengths are asked for at once. */
const LISTED_AHEAD = 64;
/** Opening a pipe that took a file's place would wait for whoever writes to it; links lead out of the store. */
const HOW = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW;

interface OpenFile {
  readonly handle: Promise<FileHandle>;
  readers: number;
}

/** A directory with all that lies below it: plain files are its objects; links and special files are none. */
export async function directoryStore(
  path: string,
  { meter = unmetered, warn, deadlineMs }: DirectoryOptions = {},
): Promise<Store> {
  const timely = <T>(call: () => Promise<T>, discard?: (value: T) => void): Promise<T> =>
    withinDeadline(call, deadlineMs, discard);
  const closeLate = (handle: FileHandle | Dir): void => void handle.close().catch(() => undefined);
  const root = await timely(() => realpath(path)).catch((error) => fail(codeOf(error), `Cannot read "${path}"`, error));
  const isDirectory = await timely(() => lstat(root).then((found) => found.isDirectory())).catch((error) =>
    fail(codeOf(error), `Cannot read "${path}"`, error),
  );
  if (!isDirectory) fail('bad-store', `"${path}" is no directory`);
  const files = new Map<string, OpenFile>();

  /** Runs `work` on a file that nobody closes meanwhile. */
  async function withFile<T>(name: string, work: (handle: FileHandle) => Promise<T>): Promise<T> {
    const file = files.get(name) ?? { handle: timely(() => openFile(join(root, name)), closeLate), readers: 0 };
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
    const entries = await timely(() => opendir(join(root, folder)), closeLate).catch((error) => {
      if (folder !== '' && error.code === 'ENOENT') return undefined;
      throw error;
    });
    try {
      for (;;) {
        const entry = await timely(async () => entries?.read() ?? null);
        if (entry === null) return;
        const name = folder === '' ? entry.name : `${folder}/${entry.name}`;
        // Tags of ours that lie beside the data are none of it.
        if (name === AUDIT_TAGS_FOLDER) continue;
        if (entry.isDirectory()) yield* below(name);
        else if (entry.isFile()) yield name;
      }
    } finally {
      // One that hangs cannot be closed.
      await entries?.close().catch(() => undefined);
    }
  }
  /** Undefined for a file that has gone meanwhile, and for one whose name is not what Node made of it. */
  async function objectAt(path: string): Promise<StoredObject | StoreLoss | undefined> {
    try {
      const { size, mtimeNs } = await timely(() => lstat(join(root, path), { bigint: true }));
      return { path, bytes: Number(size), pin: `${mtimeNs}` };
    } catch (error) {
      if ((error as { code?: string }).code !== 'ENOENT') return lossOf(error);
      if (path.includes('\ufffd')) warn?.(`"${path}" is skipped: its name is not UTF-8`);
      return undefined;
    }
  }
  async function* objects(): AsyncGenerator<StoredObject> {
    const ahead: Promise<StoredObject | StoreLoss | undefined>[] = [];
    const next = async function* (): AsyncGenerator<StoredObject> {
      for (const object of await Promise.all(ahead.splice(0))) {
        if (object instanceof StoreLoss) throw object;
        if (object !== undefined) yield object;
      }
    };
    for await (const name of below('')) if (ahead.push(objectAt(name)) === LISTED_AHEAD) yield* next();
    yield* next();
  }

  return {
    name: root,
    async *list() {
      try {
        yield* objects();
      } catch (error) {
        throw lossOf(error);
      }
    },
    async read(name, _pin, offset, length) {
      await meter.take(length);
      try {
        return await withFile(name, async (file) => {
          const bytes = Buffer.allocUnsafe(length);
          let end = 0;
          while (end < length) {
            const { bytesRead } = await timely(() => file.read(bytes, end, length - end, offset + end));
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
      // What hangs is closed by nobody.
      for (const file of files.values())
        await timely(() => closeFile(file)).catch((error) => {
          if (!(error instanceof StoreLoss)) throw error;
        });
      files.clear();
    },
  };
}

const codeOf = (error: unknown): 'bad-store' | 'store-unreachable' =>
  error instanceof StoreLoss ? 'store-unreachable' : 'bad-store';

async function openFile(path: string): Promise<FileHandle> {
  const file = await open(path, HOW);
  try {
    if ((await file.stat()).isFile()) return file;
  } catch (error) {
    await file.close();
    throw error;
  }
  await file.close();
  throw new StoreLoss('missing', `"${path}" is no file any more`);
}

async function closeFile({ handle }: OpenFile): Promise<void> {
  await (await handle.catch(() => undefined))?.close();
}

function lossOf(error: unknown): StoreLoss {
  if (error instanceof StoreLoss) return error;
  const { code, message } = error as { code?: string; message: string };
  if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'EISDIR' || code === 'ELOOP' || code === 'ENXIO')
    return new StoreLoss('missing', message);
  if (code === 'ETIMEDOUT') return new StoreLoss('timed-out', message);
  return new StoreLoss(code === 'EIO' || code === 'EACCES' || code === 'EPERM' ? 'unreachable' : 'unknown', message);
}
