import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';

const CHUNK = 1024 * 1024;

/**
 * What manifests of schema 1 said of a root disk: SHA-256 (hex) over the disk's size and each chunk of 1 MiB that is not all zero, preceded by its number as 8 bytes, so
 * that the holes of a sparse file cost little and mean the same whether they are stored or not.
 */
export async function diskDigest(path: string): Promise<string> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    const hash = createHash('sha256').update(number(size));
    const chunk = Buffer.alloc(CHUNK);
    const zero = Buffer.alloc(CHUNK);
    for (let index = 0; index * CHUNK < size; index++) {
      const { bytesRead } = await file.read(chunk, 0, CHUNK, index * CHUNK);
      const part = chunk.subarray(0, bytesRead);
      if (!part.equals(zero.subarray(0, bytesRead))) hash.update(number(index)).update(part);
    }
    return hash.digest('hex');
  } finally {
    await file.close();
  }
}

function number(value: number): Buffer {
  const out = Buffer.alloc(8);
  out.writeBigUInt64LE(BigInt(value));
  return out;
}
