import { completeExit } from '@cloister/hardware';
import { RNG_SEED_BYTES } from '@cloister/protocol';
import { storeBytes } from '../io-gate/guest-memory.ts';
import { type Entry, type Machine, NO_VALUE } from '../machine.ts';
import type { Action } from './decode.ts';

/** Carries out what `decodeCall` has checked. */
export function act(machine: Machine, action: Action, start: (entry: Entry) => void): void {
  const { gate } = machine;
  switch (action.kind) {
    case 'place':
      storeBytes(gate.memory, action.address, action.bytes);
      break;
    case 'finish':
      if (action.rngSeed !== 0) storeBytes(gate.memory, action.rngSeed, gate.random(RNG_SEED_BYTES));
      machine.launch.entry = action.entry;
      machine.send({ kind: 'launch.finished' });
      break;
    case 'start':
      action.hart.started = true;
      start(action.entry);
      break;
    case 'complete-with':
      action.hart.completion = action.completion;
      break;
    case 'resume':
      action.hart.withSlice = false;
      completeExit(machine.board, action.number, action.hart.completion);
      action.hart.completion = NO_VALUE;
      break;
    case 'none':
      break;
  }
}
