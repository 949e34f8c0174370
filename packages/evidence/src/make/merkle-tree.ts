import { LEAF, NODE } from '../batch.ts';

type Hash = (...parts: readonly Uint8Array[]) => Uint8Array | Promise<Uint8Array>;

export interface MerkleTree {
  readonly root: Uint8Array;
  /** A leaf's path (RFC 9162, 2.1.3.1). */
  path(index: number): readonly Uint8Array[];
}

export const leafHash = async (sha256: Hash, leaf: Uint8Array): Promise<Uint8Array> => sha256(LEAF, leaf);

/**
 * The tree of RFC 9162, 2.1.1, over the hashes of at least one leaf. Its split at the largest power of two makes the levels
 * that pairing neighbours does, where whoever has none goes up as it is.
 */
export async function merkleTree(sha256: Hash, leaves: readonly Uint8Array[]): Promise<MerkleTree> {
  const levels = [leaves];
  for (let level = leaves; level.length > 1; ) {
    const above: Uint8Array[] = [];
    for (let at = 0; at < level.length; at += 2) {
      const right = level[at + 1];
      above.push(right === undefined ? level[at]! : await sha256(NODE, level[at]!, right));
    }
    levels.push(above);
    level = above;
  }
  return {
    root: levels.at(-1)![0]!,
    path: (index) => levels.flatMap((level, height) => level[(index >> height) ^ 1] ?? []),
  };
}
