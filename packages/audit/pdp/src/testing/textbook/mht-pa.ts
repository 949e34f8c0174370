import type { Primitives } from '@cloister/crypto';

/**
 * The tree of MHT-PA as its paper has it (Wang et al., 2009): leaves H(m_i), a proof is a leaf and its path's siblings with their
 * sides, and the server sends the root that the owner signed.
 */
export interface TextbookPath {
  readonly leaf: Uint8Array;
  readonly siblings: readonly { readonly side: 'left' | 'right'; readonly digest: Uint8Array }[];
}

export async function textbookTree(primitives: Primitives, leaves: readonly Uint8Array[]) {
  const levels: Uint8Array[][] = [[...leaves]];
  for (let level = levels[0]!; level.length > 1; level = levels.at(-1)!) {
    const above: Uint8Array[] = [];
    for (let at = 0; at < level.length; at += 2) above.push(await primitives.sha256(level[at]!, level[at + 1]!));
    levels.push(above);
  }
  return {
    root: levels.at(-1)![0]!,
    path: (index: number): TextbookPath => ({
      leaf: leaves[index]!,
      siblings: levels.slice(0, -1).map((level, height) => {
        const place = index >> height;
        return { side: place % 2 === 0 ? 'right' : 'left', digest: level[place ^ 1]! } as const;
      }),
    }),
  };
}

/** Whether a path leads to a root; where it begins it does not say. */
export async function leadsTo(primitives: Primitives, root: Uint8Array, { leaf, siblings }: TextbookPath) {
  let digest = leaf;
  for (const { side, digest: other } of siblings)
    digest = await (side === 'left' ? primitives.sha256(other, digest) : primitives.sha256(digest, other));
  return primitives.equal(digest, root);
}
