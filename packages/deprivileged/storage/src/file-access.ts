import { fdatasync, read, readSync, write, writeSync } from 'node:fs';

/** Storage's only way to files: by descriptors that it was given. What throws, or rejects, is an I/O error. */
export interface FileAccess {
  /** Fills `into` from `position` on; returns how many bytes there are, fewer only where the file ends. */
  readNow(descriptor: number, position: number, into: Uint8Array): number;
  writeNow(descriptor: number, position: number, bytes: Uint8Array): void;
  /** The same by a thread, for files that the host does not have in memory. */
  readAt(descriptor: number, position: number, into: Uint8Array): Promise<number>;
  writeAt(descriptor: number, position: number, bytes: Uint8Array): Promise<void>;
  /** Resolves once what was written to the file survives a crash of the host. */
  sync(descriptor: number): Promise<void>;
}

export const hostFiles: FileAccess = { readNow, writeNow, readAt, writeAt, sync };

function readNow(descriptor: number, position: number, into: Uint8Array): number {
  let done = 0;
  for (let count = 1; count > 0 && done < into.length; done += count)
    count = readSync(descriptor, into, done, into.length - done, position + done);
  return done;
}

function writeNow(descriptor: number, position: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length; )
    done += writeSync(descriptor, bytes, done, bytes.length - done, position + done);
}

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
