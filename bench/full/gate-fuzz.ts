import { Worker } from 'node:worker_threads';
import { createRingFuzz, REWRITER } from '../../packages/trusted/monitor/src/testing/ring-fuzz.ts';
import type { FullCheck } from '../full.ts';

const CASES = 1_000_000;
const QUICK_CASES = 40_000;

/** Malformed rings, half of the cases while another thread rewrites them: no throw past the gate, no access outside RAM. */
export const gateFuzz: FullCheck = async ({ quick }) => {
  const cases = quick ? QUICK_CASES : CASES;
  const faults: string[] = [];
  const seeds: number[] = [];
  const totals = { cases: 0, stops: 0, requests: 0, resets: 0 };
  const reached: Record<string, number> = {};
  let slowestMs = 0;
  for (const rewriting of [false, true]) {
    const seed = (Date.now() & 0x7fff_ffff) | 1;
    console.error(`gate-fuzz: seed ${seed}${rewriting ? ', with a second thread' : ''}`);
    const fuzz = createRingFuzz(seed);
    const worker = rewriting
      ? new Worker(REWRITER, {
          eval: true,
          workerData: { memory: fuzz.bench.memory, from: fuzz.from, to: fuzz.to, seed },
        })
      : undefined;
    for (let i = 0; i < cases / 2 && fuzz.faults.length === 0; i += 1) fuzz.step();
    await worker?.terminate();
    for (const key of ['cases', 'stops', 'requests', 'resets'] as const) totals[key] += fuzz.counts[key];
    slowestMs = Math.max(slowestMs, fuzz.counts.slowestMs);
    for (const [what, count] of fuzz.reached) reached[what] = (reached[what] ?? 0) + count;
    seeds.push(seed);
    faults.push(...fuzz.faults.map((fault) => `seed ${seed}: ${fault}`));
  }
  return { holds: faults.length === 0 && totals.cases >= cases, seeds, ...totals, slowestMs, reached, faults };
};
