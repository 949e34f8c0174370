import type { Primitives } from '@cloister/crypto';

/** Luby and Rackoff need 4 rounds against a distinguisher with few queries; unbalanced small domains want more (NIST SP 800-38G: 10). */
const ROUNDS = 10;

/**
 * A pseudorandom permutation of the whole numbers below `total`: the images of `inputs`, all below it. A Feistel network
 * over AES-256 on the next even number of bits, walked until it is back in range (Black and Rogaway, CT-RSA 2002). Who
 * has not the key cannot tell from the blocks that were read which come next.
 */
export async function permute(
  primitives: Primitives,
  key: Uint8Array,
  total: number,
  inputs: readonly number[],
): Promise<readonly number[]> {
  const half = Math.max(1, Math.ceil((total - 1).toString(2).length / 2));
  const side = 2 ** half;
  const values = [...inputs];
  let walking = values.map((_, at) => at);
  while (walking.length > 0) {
    const left = walking.map((at) => Math.floor(values[at]! / side));
    const right = walking.map((at) => values[at]! % side);
    for (let round = 0; round < ROUNDS; round += 1) {
      const blocks = new Uint8Array(walking.length * 16);
      const view = new DataView(blocks.buffer);
      right.forEach((value, at) => {
        view.setUint32(at * 16, value);
        view.setUint32(at * 16 + 4, round);
      });
      const out = await primitives.aes256Blocks(key, blocks);
      const words = new DataView(out.buffer, out.byteOffset, out.byteLength);
      for (let at = 0; at < walking.length; at += 1) {
        const mixed = (left[at]! + (words.getUint32(at * 16) % side)) % side;
        left[at] = right[at]!;
        right[at] = mixed;
      }
    }
    walking.forEach((place, at) => {
      values[place] = left[at]! * side + right[at]!;
    });
    walking = walking.filter((at) => values[at]! >= total);
  }
  return values;
}
