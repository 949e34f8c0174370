import { cpus } from 'node:os';
import type { FullCheck } from '../full.ts';
import { protectionBench } from '../protection/protection.ts';

/** `npm run bench -- protection`, kept. */
export const protection: FullCheck = async ({ quick }) => {
  const measurements = await protectionBench({ quick });
  return {
    holds: measurements.every(({ holds }) => holds),
    processor: cpus()[0]!.model,
    cores: cpus().length,
    goals: measurements.filter(({ goal }) => goal !== 'reported'),
    reports: measurements.filter(({ goal }) => goal === 'reported'),
  };
};
