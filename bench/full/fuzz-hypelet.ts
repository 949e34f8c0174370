import { measuredFuzz } from '../../conformance/fuzz-hypelet/command.ts';
import type { FullCheck } from '../full.ts';

const SEQUENCES = 1_000_000;
const QUICK_SEQUENCES = 20_000;

/** A million sequences of a hostile slice and service: nothing but what the model allows; most branches are reached. */
export const fuzzHypelet: FullCheck = async ({ quick }) => ({
  ...measuredFuzz(quick ? QUICK_SEQUENCES : SEQUENCES, Date.now() % 2 ** 31, import.meta.url),
});
