import { expect, test } from 'vitest';
import { indexBatches } from './index-batches.ts';

test('all indices in their order, some at a time', () => {
  for (const count of [0, 1, 1023, 1024, 1025, 5000]) {
    const indices = Array.from({ length: count }, (_, at) => 3 * at);
    const batches = [...indexBatches(indices)];
    expect(batches.flat()).toEqual(indices);
    for (const batch of batches) expect(batch.length > 0 && batch.length <= 1024).toBe(true);
  }
});
