import { fdatasync, read, write } from 'node:fs';

/** Storage's only way to files: by descriptors that it was given. A rejected promise is an I/O error. */
export interface FileAccess {
  /** Fills `into` from `position` on; returns how many bytes there are, fewer only where the file ends. */
  readAt(descriptor: number, position: number, into: Uint8Array): Promise<number>;
  writeAt(descriptor: number, position: number, bytes: Uint8Array): Promise<void>;
  /** Resolves once what was written to the file survives a crash of the host. */
  sync(descriptor: number): Promise<void>;
}

export const hostFiles: FileAccess = { readAt, writeAt, sync };

async function readAt(descriptor: number, position: number, into: Uint8Array): Promise<number> {
  for (let done = 0; done < into.length; ) {
    const count = await new Promise<number>((resolve, reject) =>
      read(descriptor, into, done, into.length - done, position + done, (error, n) =>
        error ? reject(error) : resolve(n),
      ),
    );
    if (count === 0) return done;
    done += count;
  }
  return into.length;
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
