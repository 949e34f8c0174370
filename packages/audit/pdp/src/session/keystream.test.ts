import { createCipheriv } from 'node:crypto';
import { nodePrimitives } from '@cloister/crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { indexedKeystream, indexedKeystreams, keystream } from './keystream.ts';

const key = new Uint8Array(32).map((_, at) => at);
const fresh = () => keystream(nodePrimitives, key);
const expected = createCipheriv('aes-256-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(64 * 1024));

test('the bytes are those of AES-256-CTR from 0, however they are taken', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(7000), { maxLength: 9 }), async (lengths) => {
      const stream = fresh();
      let at = 0;
      for (const length of lengths) {
        expect(Buffer.compare(await stream.bytes(length), expected.subarray(at, at + length))).toBe(0);
        at += length;
      }
    }),
    { seed: 5, numRuns: 40 },
  );
});

test('what was taken stays as it is', async () => {
  const stream = fresh();
  const first = await stream.bytes(16);
  first.fill(0);
  expect(await stream.bytes(16)).toEqual(new Uint8Array(expected.subarray(16, 32)));
});

/** Pearson's statistic against the uniform distribution. */
function chiSquare(counts: readonly number[]): number {
  const mean = counts.reduce((sum, count) => sum + count, 0) / counts.length;
  return counts.reduce((sum, count) => sum + (count - mean) ** 2 / mean, 0);
}

// The 99.99 % quantiles of chi-square for limit - 1 degrees of freedom.
test.each([
  [2, 15.14],
  [3, 18.42],
  [5, 23.51],
  [7, 27.86],
])('no number below %i comes more often than another', async (limit, quantile) => {
  const stream = fresh();
  const counts = new Array<number>(limit).fill(0);
  const bigCounts = new Array<number>(limit).fill(0);
  for (let draw = 0; draw < 30_000; draw += 1) {
    counts[await stream.below(limit)]! += 1;
    bigCounts[Number(await stream.bigBelow(BigInt(limit)))]! += 1;
  }
  expect(chiSquare(counts)).toBeLessThan(quantile);
  expect(chiSquare(bigCounts)).toBeLessThan(quantile);
});

test('each limit is reached and kept', async () => {
  const stream = fresh();
  for (const limit of [1, 2, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 32 + 1, 2 ** 52 + 1, Number.MAX_SAFE_INTEGER]) {
    let most = 0;
    for (let draw = 0; draw < 200; draw += 1) {
      const value = await stream.below(limit);
      expect(Number.isSafeInteger(value) && value >= 0 && value < limit).toBe(true);
      most = Math.max(most, value);
    }
    // 200 draws that all lie in the lower nine tenths: one chance in 10^9.
    expect(most, `below ${limit}`).toBeGreaterThanOrEqual(Math.floor((limit - 1) * 0.9));
  }
});

test('low and high words of large numbers are both even', async () => {
  const stream = fresh();
  const parity = [0, 0];
  const halves = [0, 0];
  for (let draw = 0; draw < 20_000; draw += 1) {
    const value = await stream.below(2 ** 53 - 1);
    parity[value % 2]! += 1;
    halves[value < 2 ** 52 ? 0 : 1]! += 1;
  }
  expect(chiSquare(parity)).toBeLessThan(15.14);
  expect(chiSquare(halves)).toBeLessThan(15.14);
});

test('streams of many indices are those of each', async () => {
  const key = nodePrimitives.random(32);
  const one = indexedKeystream(nodePrimitives, key);
  const indices = [0, 1, 2 ** 32 + 7, Number.MAX_SAFE_INTEGER];
  for (const length of [1, 16, 272, 5000]) {
    const many = await indexedKeystreams(nodePrimitives, key, indices, length);
    for (const [at, index] of indices.entries())
      expect(Buffer.from(many[at]!).toString('hex')).toBe(Buffer.from(await one(index, length)).toString('hex'));
  }
});
