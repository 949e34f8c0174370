import { fdatasync, read, write } from 'node:fs';

/** Exactly `length` bytes at `position`. @throws Error when the file ends before. */
export async function readAt(descriptor: number, position: number, length: number): Promise<Uint8Array> {
  const out = new Uint8Array(length);
  for (let done = 0; done < length; ) {
    const count = await new Promise<number>((resolve, reject) =>
      read(descriptor, out, done, length - done, position + done, (error, n) => (error ? reject(error) : resolve(n))),
    );
    if (count === 0) throw new Error(`The file ends at ${position + done}`);
    done += count;
  }
  return out;
}

export async function writeAt(descriptor: number, position: number, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    done += await new Promise<number>((resolve, reject) =>
      write(descriptor, bytes, done, bytes.length - done, position + done, (error, n) =>
        error ? reject(error) : resolve(n),
      ),
    );
  }
}

/** Resolves once what was written to the file survives a crash of the host. */
export async function sync(descriptor: number): Promise<void> {
  await new Promise<void>((resolve, reject) => fdatasync(descriptor, (error) => (error ? reject(error) : resolve())));
}
