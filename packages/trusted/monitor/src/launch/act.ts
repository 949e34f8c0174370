import { EMPTY_LAUNCH_DIGEST, type LaunchEnd, RNG_SEED_BYTES } from '@cloister/protocol';
import { storeBytes } from '../io-gate/guest-memory.ts';
import type { Machine } from '../machine.ts';
import { resetPit } from '../tables/pit.ts';

// What `decode.ts` has checked is carried out here. Nothing of it can fail.

export function beginLaunch({ pit, harts, launch }: Machine): void {
  resetPit(pit);
  for (const hart of harts) hart.phase = 'absent';
  launch.digest = EMPTY_LAUNCH_DIGEST;
  launch.phase = 'begun';
}

export function placeBytes({ gate, launch }: Machine, address: number, bytes: Uint8Array, digest: Uint8Array): void {
  storeBytes(gate.memory, address, bytes);
  launch.digest = digest;
}

export function finishLaunch({ gate, launch, send }: Machine, end: LaunchEnd, digest: Uint8Array): void {
  // What was measured there are zeros; the seed itself no slice has seen, so no digest can have it.
  if (end.rngSeed !== 0) storeBytes(gate.memory, end.rngSeed, gate.random(RNG_SEED_BYTES));
  launch.digest = digest;
  launch.end = end;
  launch.phase = 'finished';
  send({ kind: 'launch.finished' });
}

export function measureLaunch({ launch, send }: Machine): void {
  send({ kind: 'launch.measured', digest: launch.digest, finished: launch.phase === 'finished' });
}
