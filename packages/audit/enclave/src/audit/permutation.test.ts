import { nodePrimitives } from '@cloister/crypto';
import { expect, test } from 'vitest';
import { permute } from './permutation.ts';

const key = (byte: number) => new Uint8Array(32).fill(byte);
const below = (total: number) => Array.from({ length: total }, (_, at) => at);

test.each([1, 2, 3, 16, 17, 1000, 4097])('every number below %i comes once', async (total) => {
  const images = await permute(nodePrimitives, key(1), total, below(total));
  expect([...images].sort((one, other) => one - other)).toEqual(below(total));
});

test('another key gives another order, and a part of it is a part of the whole', async () => {
  const images = await permute(nodePrimitives, key(1), 1000, below(1000));
  expect(await permute(nodePrimitives, key(2), 1000, below(1000))).not.toEqual(images);
  expect(await permute(nodePrimitives, key(1), 1000, [7, 500])).toEqual([images[7], images[500]]);
});

test('block numbers of petabytes stay in range and apart', async () => {
  const total = 2 ** 45 + 12_345;
  const images = await permute(nodePrimitives, key(3), total, [0, 1, 2, total - 1]);
  expect(new Set(images).size).toBe(4);
  for (const image of images) expect(image >= 0 && image < total && Number.isInteger(image)).toBe(true);
});

test('no place is likelier than another', async () => {
  // 8,000 keys, 8 places: each gets 1,000 of them, 30 being one standard deviation.
  const seen = new Array<number>(8).fill(0);
  for (let seed = 0; seed < 8000; seed += 1) {
    const [image] = await permute(
      nodePrimitives,
      key(0)
        .fill(seed & 255, 0, 1)
        .fill(seed >> 8, 1, 2),
      8,
      [0],
    );
    seen[image!]! += 1;
  }
  for (const count of seen) expect(Math.abs(count - 1000)).toBeLessThan(150);
});
