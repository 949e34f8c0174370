import { Worker } from 'node:worker_threads';
import { expect, test } from 'vitest';
import { createRingFuzz, REWRITER, type RingFuzz } from './ring-fuzz.ts';

/** Quick form of `npm run full -- gate-fuzz`. */
const CASES = 20_000;

function run(fuzz: RingFuzz, seed: number): void {
  for (let i = 0; i < CASES && fuzz.faults.length === 0; i += 1) fuzz.step();
  expect({ seed, faults: fuzz.faults }).toEqual({ seed, faults: [] });
  // The cases got somewhere: devices were stopped for cause, and some requests left the gate.
  expect(fuzz.counts.stops).toBeGreaterThan(CASES / 100);
  expect(fuzz.counts.requests).toBeGreaterThan(CASES / 100);
}

test('malformed rings stop their device and nothing else', () => {
  const seed = 41;
  run(createRingFuzz(seed), seed);
}, 60_000);

test('so do rings that another hart rewrites meanwhile', async () => {
  const seed = 42;
  const fuzz = createRingFuzz(seed);
  const worker = new Worker(REWRITER, {
    eval: true,
    workerData: { memory: fuzz.bench.memory, from: fuzz.from, to: fuzz.to, seed },
  });
  try {
    await new Promise((resolve) => worker.once('online', resolve));
    run(fuzz, seed);
  } finally {
    await worker.terminate();
  }
}, 60_000);
