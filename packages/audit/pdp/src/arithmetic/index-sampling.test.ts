import { nodePrimitives } from '@cloister/crypto';
import { expect, test } from 'vitest';
import { keystream } from '../session/keystream.ts';
import { sampleIndices } from './index-sampling.ts';

const stream = keystream(nodePrimitives, new Uint8Array(32).fill(7));

// The 99.99 % quantiles of chi-square for the number of sets less one.
test.each([
  [4, 2, 6, 25.74],
  [5, 3, 10, 33.72],
  [6, 1, 6, 25.74],
  [6, 5, 6, 25.74],
])('of %i indices, each set of %i is as likely as another', async (total, count, sets, quantile) => {
  const seen = new Map<string, number>();
  const draws = 20_000;
  for (let draw = 0; draw < draws; draw += 1) {
    const set = (await sampleIndices(stream, total, count)).join();
    seen.set(set, (seen.get(set) ?? 0) + 1);
  }
  expect(seen.size).toBe(sets);
  const mean = draws / sets;
  expect([...seen.values()].reduce((sum, times) => sum + (times - mean) ** 2 / mean, 0)).toBeLessThan(quantile);
});

test('all of them, one of one, and none', async () => {
  expect(await sampleIndices(stream, 9, 9)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
  expect(await sampleIndices(stream, 1, 1)).toEqual([0]);
  expect(await sampleIndices(stream, 3, 0)).toEqual([]);
});

test.each([
  ['1 TiB in blocks of 4 KiB', 2 ** 28],
  ['all that a number can count', Number.MAX_SAFE_INTEGER],
])('of %s: different, ascending, and from everywhere', async (_what, total) => {
  const indices = await sampleIndices(stream, total, 460);
  expect(indices).toHaveLength(460);
  for (const [at, index] of indices.entries()) {
    expect(Number.isSafeInteger(index) && index < total).toBe(true);
    if (at > 0) expect(index).toBeGreaterThan(indices[at - 1]!);
  }
  expect(indices[0]).toBeLessThan(total / 20);
  expect(indices.at(-1)).toBeGreaterThan(total - total / 20);
});
