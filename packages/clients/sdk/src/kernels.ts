import { readFile, stat } from 'node:fs/promises';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { fail } from './failure.ts';

/** An Image larger than this is not one. */
const KERNEL_LIMIT = 512 * 2 ** 20;

/** Reads a file whole; `what` names it in the error. */
export async function readInput(path: string, what: string): Promise<Uint8Array> {
  const found = await stat(path).catch((cause: unknown) =>
    fail('bad-file', `Cannot open the ${what} "${path}"`, { cause }),
  );
  if (found.isDirectory()) fail('bad-file', `The ${what} "${path}" is a directory`, { hint: 'Give a file' });
  return readFile(path).catch((cause: unknown) => fail('bad-file', `Cannot read the ${what} "${path}"`, { cause }));
}

/**
 * A kernel from `Image` or `Image.gz`, uncompressed. Whether it is one, the slice finds out.
 * @throws `bad-file`, `bad-kernel`
 */
export async function readKernel(path: string): Promise<Uint8Array> {
  let bytes = await readInput(path, 'kernel');
  if (bytes[0] === 0x1f && bytes[1] === 0x8b)
    bytes = await promisify(gunzip)(bytes, { maxOutputLength: KERNEL_LIMIT }).catch((cause: unknown) =>
      fail('bad-kernel', `The kernel "${path}" is a damaged gzip file`, { cause }),
    );
  return bytes;
}
