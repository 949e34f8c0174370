import { EMPTY_LAUNCH_DIGEST, RNG_SEED_BYTES } from '@cloister/protocol';
import { resetHart } from '../harts.ts';
import { storeBytes } from '../io-gate/guest-memory.ts';
import type { Machine } from '../machine.ts';
import { resetPit } from '../tables/pit.ts';
import type { LaunchAction } from './decode.ts';

/** Carries out what `decodeLaunch` has checked. */
export function actLaunch(machine: Machine, action: LaunchAction): void {
  const { gate, launch } = machine;
  switch (action.kind) {
    case 'begin':
      resetPit(machine.pit);
      machine.harts.forEach(resetHart);
      launch.digest = EMPTY_LAUNCH_DIGEST;
      launch.phase = 'begun';
      break;
    case 'place':
      storeBytes(gate.memory, action.address, action.bytes);
      launch.digest = action.digest;
      break;
    case 'finish': {
      const { end } = action;
      // What was measured there are zeros; the seed itself no slice has seen, so no digest can have it.
      if (end.rngSeed !== 0) storeBytes(gate.memory, end.rngSeed, gate.random(RNG_SEED_BYTES));
      launch.digest = action.digest;
      launch.end = end;
      launch.phase = 'finished';
      machine.send({ kind: 'launch.finished' });
      break;
    }
    case 'measure':
      machine.send({ kind: 'launch.measured', digest: launch.digest, finished: launch.phase === 'finished' });
      break;
  }
}
