import { open, writeFile } from 'node:fs/promises';
import { sha256 } from '@cloister/crypto';
import { BLOCK_BYTES, HASH_BYTES, HASHES_A_BLOCK, hashTreeLayout } from '@cloister/protocol';
import { failFile } from '../failure.ts';

const CHUNK = 1024 * 1024;

/**
 * Writes the hash tree (`protocol/formats/hash-tree.ts`) of a disk of whole blocks beside it, and returns its root in
 * hexadecimal. Holes cost a look at their zeros. Throws `cache-full`, `cache-unwritable`.
 */
export async function writeHashTree(disk: string, tree: string): Promise<string> {
  const { size, hashes } = await hashBlocks(disk);
  const { blocks, levels } = hashTreeLayout(size / BLOCK_BYTES);
  const file = new Uint8Array(blocks * BLOCK_BYTES);
  file.set(superblock(size / BLOCK_BYTES));
  const part = (first: number, count: number): Uint8Array =>
    file.subarray(first * BLOCK_BYTES, (first + count) * BLOCK_BYTES);
  let below = hashes;
  for (const { first, count } of levels) {
    part(first, count).set(below);
    below = new Uint8Array(count * HASH_BYTES);
    for (let i = 0; i < count; i += 1) below.set(sha256(part(first + i, 1)), i * HASH_BYTES);
  }
  await writeFile(tree, file, { mode: 0o600 }).catch((error) => failFile(tree, error));
  return Buffer.from(below).toString('hex');
}

/** How long the tree's file is. */
export const hashTreeBytes = (diskBytes: number): number =>
  hashTreeLayout(diskBytes / BLOCK_BYTES).blocks * BLOCK_BYTES;

/** The hashes of a disk's blocks, one after the other. */
async function hashBlocks(path: string): Promise<{ size: number; hashes: Uint8Array }> {
  const file = await open(path, 'r').catch((error) => failFile(path, error));
  try {
    const { size } = await file.stat();
    const hashes = new Uint8Array((size / BLOCK_BYTES) * HASH_BYTES);
    const chunk = Buffer.alloc(CHUNK);
    const zeros = Buffer.alloc(CHUNK);
    const hashOfZeros = sha256(zeros.subarray(0, BLOCK_BYTES));
    for (let from = 0; from < size; from += CHUNK) {
      const { bytesRead } = await file.read(chunk, 0, Math.min(CHUNK, size - from), from);
      if (bytesRead < Math.min(CHUNK, size - from)) throw new Error(`"${path}" became shorter as it was read`);
      const hole = bytesRead === CHUNK && chunk.equals(zeros);
      for (let at = 0; at < bytesRead; at += BLOCK_BYTES)
        hashes.set(
          hole ? hashOfZeros : sha256(chunk.subarray(at, at + BLOCK_BYTES)),
          ((from + at) / BLOCK_BYTES) * HASH_BYTES,
        );
    }
    return { size, hashes };
  } finally {
    await file.close();
  }
}

/**
 * dm-verity's superblock (cryptsetup's lib/verity/verity.c; the kernel ignores it), for tools that read it: signature,
 * version, hash type 1 (the normal one), UUID (none), algorithm, block sizes, blocks, length of the salt. The machine
 * never reads it.
 */
function superblock(diskBlocks: number): Uint8Array {
  const out = Buffer.alloc(BLOCK_BYTES);
  out.write('verity\0\0', 0, 'latin1');
  out.writeUInt32LE(1, 8);
  out.writeUInt32LE(1, 12);
  out.write('sha256', 32, 'latin1');
  out.writeUInt32LE(BLOCK_BYTES, 64);
  out.writeUInt32LE(HASHES_A_BLOCK * HASH_BYTES, 68);
  out.writeBigUInt64LE(BigInt(diskBlocks), 72);
  out.writeUInt16LE(0, 80);
  return out;
}
