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
  expect(fuzz.counts.requests).toBeGreaterThan(CASES / 20);
}

/** Everything that can be wrong with a ring, by a piece of its reason, and everything that leaves the gate. */
const REACHED = [
  ...[
    'chains wait in a queue',
    'comes twice in a chain',
    'comes twice in an indirect table',
    'of N in an indirect table',
  ],
  ...['that has a next one', 'an indirect table of N bytes', 'an indirect table at N, outside RAM'],
  ...['in an indirect table', 'outside RAM', 'to read after one to write', 'descriptor N of N'],
  ...['without a whole header', 'without room for its status', 'a control message of', 'a control buffer of'],
  ...['in an output queue', 'in an input queue', 'a request for entropy', 'a queue of N'],
  ...['block read', 'block write', 'block flush', 'port.data', 'port.taken', 'port.open'],
  ...['which was not asked', 'not what was written there last', 'of its hash tree is not', 'of its base is not'],
];

test('malformed rings stop their device and nothing else, for every reason that there is', () => {
  const seed = 43;
  const fuzz = createRingFuzz(seed);
  run(fuzz, seed);
  const reached = [...fuzz.reached.keys()];
  expect(REACHED.filter((piece) => !reached.some((reason) => reason.includes(piece)))).toEqual([]);
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
