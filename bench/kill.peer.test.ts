import { expect, test } from 'vitest';
import { faultsOf, killParts } from './kill.ts';

test('nothing that was synced is lost and no byte of a stream twice when slice, storage and scheduler are killed', async () => {
  const seed = Date.now() % 1e9;
  const result = await killParts(30, seed);
  expect(faultsOf(result), `seed ${seed}`).toEqual([]);
  const { none: _, ...kills } = result.kills;
  expect(Object.values(kills).reduce((sum, count) => sum + count, 0)).toBe(30);
}, 280_000);
