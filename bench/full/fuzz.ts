import { avoidedCounts } from '../../conformance/fuzz/peer-differences.ts';
import { describeFound, runFuzz } from '../../conformance/fuzz/run-fuzz.ts';
import type { FullCheck } from '../full.ts';

const INSTRUCTIONS = 5_000_000;
/** About 205 instructions a program. */
const PROGRAMS = 25_500;
const QUICK_PROGRAMS = 500;

/** Random programs here and in QEMU: at least 5,000,000 instructions without a difference. */
export const fuzz: FullCheck = async ({ quick }) => {
  const seed = Date.now() & 0x7fff_ffff;
  console.error(`fuzz: seed ${seed}`);
  const { found, ...totals } = runFuzz(seed, quick ? QUICK_PROGRAMS : PROGRAMS, (programs, differences) => {
    if (programs % 1000 === 0) console.error(`fuzz: ${programs} programs, ${differences} differences`);
  });
  return {
    holds: found.length === 0 && (quick || totals.instructions >= INSTRUCTIONS),
    ...totals,
    avoided: avoidedCounts(),
    found: found.map((one) => describeFound(seed, one)),
  };
};
