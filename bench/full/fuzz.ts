import { readFuzzCommand, runFuzz } from '../../conformance/fuzz/command.ts';
import type { FullCheck } from '../full.ts';

const INSTRUCTIONS = 5_000_000;
/** Bodies of about 200 instructions. */
const PROGRAMS = 36_000;

/** Random programs here and in QEMU: at least 5,000,000 instructions retired without a difference. */
export const fuzz: FullCheck = async ({ quick }) => {
  const command = readFuzzCommand(['--programs', String(PROGRAMS), ...(quick ? ['--quick'] : [])]);
  const { differences, ...result } = runFuzz(command, (line) => console.error(line));
  return {
    holds: differences.length === 0 && (quick || result.retired >= INSTRUCTIONS),
    ...result,
    differences: differences.length,
  };
};
