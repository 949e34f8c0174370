/** So many at once keep the calls few and the memory small. */
const BATCH = 1024;

/** Indices, of which there may be as many as a file has blocks, some at a time. */
export function* indexBatches(indices: Iterable<number>): Iterable<readonly number[]> {
  let batch: number[] = [];
  for (const index of indices) {
    batch.push(index);
    if (batch.length < BATCH) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}
