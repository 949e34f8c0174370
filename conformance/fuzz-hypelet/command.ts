import { sharedMemory } from '../../packages/trusted/monitor/src/testing/monitor-bench.ts';
import { type Coverage, coverageOf } from './coverage.ts';
import { RAM_BYTES, runSequence, type Tally } from './sequence.ts';

const MONITOR = 'packages/trusted/monitor/src';
/** What decodes and carries out a slice's messages. */
const MEASURED = ['hypelet-calls/decode.ts', 'hypelet-calls/act.ts', 'launch/decode.ts', 'launch/act.ts'].map(
  (file) => `${MONITOR}/${file}`,
);

export interface HypeletFuzz extends Tally {
  readonly sequences: number;
  readonly seed: number;
  /** Where the machine did what the model does not allow; the run ends with the first. */
  readonly faults: readonly string[];
  readonly slowestMs: number;
}

/** Sequences of messages of a hostile slice, and of a hostile service behind it, against a machine and a model of it. */
export function fuzzHypelet(sequences: number, seed: number): HypeletFuzz {
  const memory = sharedMemory(RAM_BYTES);
  const tally: Tally = { messages: 0, decoded: 0, accepted: {} };
  const faults: string[] = [];
  let slowestMs = 0;
  let done = 0;
  for (; done < sequences && faults.length === 0; done += 1) {
    const from = performance.now();
    try {
      runSequence(memory, (seed ^ Math.imul(done + 1, 0x9e37_79b1)) >>> 0, tally);
    } catch (error) {
      faults.push((error as Error).message);
    }
    slowestMs = Math.max(slowestMs, performance.now() - from);
  }
  return { sequences: done, seed, ...tally, faults, slowestMs: Math.round(slowestMs) };
}

type HypeletFuzzResult = { readonly [K in keyof HypeletFuzz]: HypeletFuzz[K] } & {
  readonly decodedShare: number;
  readonly coverage: Coverage;
  readonly holds: boolean;
};

/** The run with its coverage; `bundle` is the URL of the bundle that this runs from. */
export function measuredFuzz(sequences: number, seed: number, bundle: string): HypeletFuzzResult {
  let fuzzed: HypeletFuzz | undefined;
  const coverage = coverageOf(bundle, MEASURED, () => {
    fuzzed = fuzzHypelet(sequences, seed);
  });
  const result = fuzzed!;
  const decodedShare = result.decoded / result.messages;
  const holds = result.faults.length === 0 && decodedShare >= 0.5 && coverage.covered >= 0.95 * coverage.blocks;
  return { holds, ...result, decodedShare, coverage };
}
