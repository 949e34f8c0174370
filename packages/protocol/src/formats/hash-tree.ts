import { BLOCK_BYTES } from './sealed-block.ts';

/**
 * A hash tree over a disk: dm-verity's on-disk format, version 1 (the kernel's device-mapper/verity.rst), with SHA-256, no
 * salt, and blocks of 4096 bytes for both. Block 0 of its file is the superblock, which only other tools read; then come
 * the levels, the one with a single block first. Level 0 holds the hashes of the disk's blocks, level k + 1 those of level
 * k's blocks; what is left of a level's last block is zero. No salt, since it would only hide which disks are equal.
 */
export interface HashTreeLayout {
  /** Blocks of the tree's file. */
  readonly blocks: number;
  /** By level: number of its first block in the tree's file, and how many it has. A disk of one block has no level. */
  readonly levels: readonly { readonly first: number; readonly count: number }[];
}

export const HASH_BYTES = 32;
export const HASHES_A_BLOCK = BLOCK_BYTES / HASH_BYTES;

/** @param diskBlocks at least 1 */
export function hashTreeLayout(diskBlocks: number): HashTreeLayout {
  const counts: number[] = [];
  for (let count = diskBlocks; count > 1; counts.push(count)) count = Math.ceil(count / HASHES_A_BLOCK);
  let next = 1;
  const levels = counts
    .reverse()
    .map((count) => {
      const first = next;
      next += count;
      return { first, count };
    })
    .reverse();
  return { blocks: next, levels };
}
