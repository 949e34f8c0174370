import type { Primitives } from '@cloister/crypto';
import { sampleIndices } from '../arithmetic/index-sampling.ts';
import { PdpError } from '../pdp-error.ts';
import { keystream } from '../session/keystream.ts';

/** How many tokens are made for a file, and how many blocks each asks for. */
export interface TokenSettings {
  readonly tokens: number;
  readonly blocksPerToken: number;
}

/** The blocks that a token asks for, of those that there were when it was made: pi_k(1), ..., pi_k(r) as a set, ascending. */
export async function tokenIndices(
  primitives: Primitives,
  k: Uint8Array,
  blocks: number,
  { blocksPerToken }: TokenSettings,
): Promise<readonly number[]> {
  return sampleIndices(keystream(primitives, k), blocks, Math.min(blocksPerToken, blocks));
}

/** Which tokens ask for a block, if one asks in ascending order, each block once; 8 bytes for each block of each token. */
export type TokenSchedule = (index: number) => Iterable<number>;

/** @throws PdpError `parameter` for so many blocks and tokens that their pairs cannot be numbered */
export async function tokenSchedule(
  primitives: Primitives,
  keys: readonly Uint8Array[],
  blocks: number,
  settings: TokenSettings,
): Promise<TokenSchedule> {
  const tokens = keys.length;
  if (!Number.isSafeInteger(blocks * tokens))
    throw new PdpError('parameter', `${tokens} tokens are too many for ${blocks} blocks`);
  const each = Math.min(settings.blocksPerToken, blocks);
  // Block and token as one number, in the order of the blocks.
  const pairs = new Float64Array(tokens * each);
  for (const [token, k] of keys.entries())
    for (const [at, index] of (await tokenIndices(primitives, k, blocks, settings)).entries())
      pairs[token * each + at] = index * tokens + token;
  pairs.sort();
  let next = 0;
  return function* (index) {
    for (; next < pairs.length && pairs[next]! < (index + 1) * tokens; next += 1) yield pairs[next]! - index * tokens;
  };
}
