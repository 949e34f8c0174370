import { sha256 } from '@cloister/crypto';
import { HASH_BYTES, HASHES_A_BLOCK, type HashTreeLayout, hashTreeLayout } from '@cloister/protocol';

/** Blocks of the tree that are kept once they were checked: 1 MiB, the hashes of 128 MiB of the disk. */
const CACHE_BLOCKS = 256;

/** What a base disk's blocks must be: the root is known, everything else comes from a store and is checked up to it. */
export interface HashTree {
  readonly store: number;
  readonly root: Uint8Array;
  readonly layout: HashTreeLayout;
  /** Checked blocks by their number in the tree's file, the one that was used last at the end. */
  readonly checked: Map<number, Uint8Array>;
  /** Blocks that were asked for, and the hash that each must have. */
  readonly asked: Map<number, Uint8Array>;
}

/** A block of the tree that is needed first. */
export interface MissingBlock {
  readonly number: number;
  readonly hash: Uint8Array;
}

/** @param rootHash 64 hexadecimal digits; @throws RangeError for anything else */
export function createHashTree(store: number, rootHash: string, diskBlocks: number): HashTree {
  if (!/^[0-9a-f]{64}$/.test(rootHash)) throw new RangeError('A root hash has 64 hexadecimal digits');
  const root = Uint8Array.from({ length: HASH_BYTES }, (_, i) => Number.parseInt(rootHash.slice(2 * i, 2 * i + 2), 16));
  return { store, root, layout: hashTreeLayout(diskBlocks), checked: new Map(), asked: new Map() };
}

/** The hash of block `index` below level `level` (the disk's own blocks lie below level 0), or what must be read to know it. */
export function hashOf(tree: HashTree, index: number, level = 0): Uint8Array | MissingBlock {
  const place = tree.layout.levels[level];
  if (place === undefined) return tree.root;
  const parent = Math.floor(index / HASHES_A_BLOCK);
  const number = place.first + parent;
  const known = tree.checked.get(number);
  if (known === undefined) {
    const hash = hashOf(tree, parent, level + 1);
    return hash instanceof Uint8Array ? { number, hash } : hash;
  }
  tree.checked.delete(number);
  tree.checked.set(number, known);
  const at = (index % HASHES_A_BLOCK) * HASH_BYTES;
  return known.subarray(at, at + HASH_BYTES);
}

/** What must be read to know the hashes of `count` blocks, at most as many as a block of the tree has. */
export function missingFor(tree: HashTree, first: number, count: number): MissingBlock | undefined {
  for (const index of [first, first + count - 1]) {
    const hash = hashOf(tree, index);
    if (!(hash instanceof Uint8Array)) return hash;
  }
  return undefined;
}

/** Keeps a block that was asked for, if it is the right one. */
export function keepTreeBlock(tree: HashTree, number: number, bytes: Uint8Array | undefined): boolean {
  const hash = tree.asked.get(number);
  tree.asked.delete(number);
  if (hash === undefined || bytes === undefined || !isHashOf(hash, bytes)) return false;
  if (tree.checked.size >= CACHE_BLOCKS) tree.checked.delete(tree.checked.keys().next().value!);
  tree.checked.set(number, bytes);
  return true;
}

/** The hashes are no secret: how long the comparison takes tells nobody anything. */
export function isHashOf(hash: Uint8Array, bytes: Uint8Array): boolean {
  const found = sha256(bytes);
  for (let i = 0; i < HASH_BYTES; i += 1) if (found[i] !== hash[i]) return false;
  return true;
}
