import type { Keystream } from '../session/keystream.ts';

/**
 * `count` different indices below `total`, every set of them equally likely, in ascending order: Floyd's algorithm (Bentley
 * and Floyd, "A sample of brilliance", CACM 30(9), 1987), which needs neither a shuffle nor a bitmap.
 *
 * @param count at most `total`
 */
export async function sampleIndices(stream: Keystream, total: number, count: number): Promise<readonly number[]> {
  const chosen = new Set<number>();
  for (let last = total - count; last < total; last += 1) {
    const index = await stream.below(last + 1);
    chosen.add(chosen.has(index) ? last : index);
  }
  return [...chosen].sort((left, right) => left - right);
}
