import { loadavg } from 'node:os';
import type { FullCheck } from '../full.ts';
import { FULL_KILLS, faultsOf, killParts, RECOVERY_MS_MAX } from '../kill.ts';
import { median } from '../measurement.ts';

/** A thousand kills of slice, storage and scheduler under a guest: nothing that was synced is lost. */
export const kill: FullCheck = async ({ quick }) => {
  const seed = Number(process.env.CLOISTER_SEED ?? Date.now() % 1e9);
  const { recoveryMs, usualMs, kills, restarts, ...counts } = await killParts(quick ? 100 : FULL_KILLS, seed);
  const faults = faultsOf({ recoveryMs, usualMs, kills, restarts, ...counts });
  const medianMs = Object.fromEntries(Object.entries(recoveryMs).map(([kind, all]) => [kind, Math.round(median(all))]));
  const worstMs = Object.fromEntries(
    Object.entries(recoveryMs).map(([kind, all]) => [kind, Math.round(Math.max(...all))]),
  );
  return {
    holds:
      faults.length === 0 &&
      Object.entries(medianMs).every(([kind, value]) => kind === 'none' || value <= RECOVERY_MS_MAX),
    seed,
    hostLoad: loadavg().map((value) => Math.round(10 * value) / 10),
    kills,
    restarts,
    recoveryMs: { goal: RECOVERY_MS_MAX, median: medianMs, worst: worstMs },
    usualMs: Math.round(usualMs),
    recordsSynced: counts.synced,
    recordsVerified: counts.verified,
    inputBytes: counts.inputBytes,
    outputBytes: counts.outputBytes,
    faults,
  };
};
