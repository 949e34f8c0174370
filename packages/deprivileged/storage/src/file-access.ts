import { fdatasync, read, write } from 'node:fs';

/** Storage's only way to files: by descriptors that it was given. A rejected promise is an I/O error. */
export interface FileAccess {
  /** At most `length` bytes at `position`; fewer only where the file ends. */
  readAt(descriptor: number, position: number, length: number): Promise<Uint8Array>;
  writeAt(descriptor: number, position: number, bytes: Uint8Array): Promise<void>;
  /** Resolves once what was written to the file survives a crash of the host. */
  sync(descriptor: number): Promise<void>;
}

export const hostFiles: FileAccess = { readAt, writeAt, sync };

async function readAt(descriptor: number, position: number, length: number): Promise<Uint8Array> {
  const out = new Uint8Array(length);
  for (let done = 0; done < length; ) {
    const count = await new Promise<number>((resolve, reject) =>
      read(descriptor, out, done, length - done, position + done, (error, n) => (error ? reject(error) : resolve(n))),
    );
    if (count === 0) return out.subarray(0, done);
    done += count;
  }
  return out;
}

async function writeAt(descriptor: number, position: number, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    done += await new Promise<number>((resolve, reject) =>
      write(descriptor, bytes, done, bytes.length - done, position + done, (error, n) =>
        error ? reject(error) : resolve(n),
      ),
    );
  }
}

async function sync(descriptor: number): Promise<void> {
  await new Promise<void>((resolve, reject) => fdatasync(descriptor, (error) => (error ? reject(error) : resolve())));
}
