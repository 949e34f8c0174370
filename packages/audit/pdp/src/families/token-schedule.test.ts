import { nodePrimitives } from '@cloister/crypto';
import { expect, test } from 'vitest';
import { tokenIndices, tokenSchedule } from './token-schedule.ts';

const keys = Array.from({ length: 7 }, (_, at) => new Uint8Array(32).fill(at));

test.each([
  [1, 5],
  [3, 5],
  [50, 5],
  [2 ** 40, 20],
])('of %i blocks, each token is told of those that it asks for, %i or all', async (blocks, blocksPerToken) => {
  const settings = { tokens: keys.length, blocksPerToken };
  const asking = await tokenSchedule(nodePrimitives, keys, blocks, settings);
  const wanted = new Map<number, number[]>();
  for (const [token, k] of keys.entries()) {
    const indices = await tokenIndices(nodePrimitives, k, blocks, settings);
    expect(indices).toHaveLength(Math.min(blocks, blocksPerToken));
    for (const index of indices) wanted.set(index, [...(wanted.get(index) ?? []), token]);
  }
  for (const index of [...wanted.keys()].sort((left, right) => left - right))
    expect([...asking(index)]).toEqual(wanted.get(index));
});

test('a block that no token asks for is nobody’s', async () => {
  const asking = await tokenSchedule(nodePrimitives, keys.slice(0, 1), 1000, { tokens: 1, blocksPerToken: 3 });
  let found = 0;
  for (let index = 0; index < 1000; index += 1) found += [...asking(index)].length;
  expect(found).toBe(3);
});

test('pairs that cannot be numbered are refused', async () => {
  const settings = { tokens: 7, blocksPerToken: 5 };
  await expect(tokenSchedule(nodePrimitives, keys, 2 ** 52, settings)).rejects.toMatchObject({ code: 'parameter' });
});
