import {
  ATTENTION,
  addBudget,
  budgetLeft,
  completeExit,
  flushHart,
  raiseAttention,
  retiredOf,
  signal,
} from '@cloister/hardware';
import { enter } from '../harts.ts';
import { storeBytes } from '../io-gate/guest-memory.ts';
import type { Machine } from '../machine.ts';
import { frameBytes, giveFrames, pitEntry, takeFrame } from '../tables/pit.ts';
import type { Action } from './decode.ts';

/** Carries out what `decodeCall` has checked. */
export function act(machine: Machine, action: Action): void {
  const { board, pit } = machine;
  switch (action.kind) {
    case 'create':
      action.hart.phase = 'created';
      break;
    case 'enter': {
      const { number, hart, changes, microseconds, sequence } = action;
      const first = hart.phase === 'created';
      for (const [register, value] of changes) hart.shadow.set(register, value);
      machine.budget.sequence = sequence ?? machine.budget.sequence;
      addBudget(board, number, microseconds);
      const completion = enter(hart);
      if (first) machine.start(machine.launch.end!);
      else completeExit(board, number, completion);
      break;
    }
    case 'read': {
      const { hart, exit, register } = action.call;
      machine.send({ kind: 'state.value', hart, exit, register, value: action.value });
      break;
    }
    case 'write':
      action.hart.shadow.set(action.register, action.value);
      break;
    case 'read-csr': {
      const { hart, csr } = action;
      const value = csr === 'budget' ? BigInt(budgetLeft(board, hart)) : retiredOf(board, hart);
      machine.send({ kind: 'csr.value', hart, csr, value });
      break;
    }
    case 'inject':
      machine.injectedAt.set(action.device, machine.now());
      signal(board, machine.harts.length, action.device, 1);
      break;
    case 'fence':
      for (const hart of action.harts) raiseAttention(board, hart, ATTENTION.fence);
      break;
    case 'zero':
      giveFrames(pit, action.frame, action.count);
      machine.send({ kind: 'frame.mapped', operation: 'zero', frame: action.frame, sealed: NOTHING });
      break;
    case 'take': {
      const { frame, version } = action;
      const sealed = machine.seal.seal(frame, version, frameBytes(pit, frame));
      takeFrame(pit, frame);
      // No hart runs: each looks the frame up again when it is entered.
      machine.harts.forEach((_, hart) => void flushHart(machine.memory, hart));
      machine.send({ kind: 'frame.mapped', operation: 'take', frame, sealed });
      break;
    }
    case 'restore':
      giveFrames(pit, action.frame, 1);
      storeBytes(machine.gate.memory, pitEntry(pit, action.frame).address, action.bytes);
      machine.send({ kind: 'frame.mapped', operation: 'restore', frame: action.frame, sealed: NOTHING });
      break;
  }
}

const NOTHING = new Uint8Array(0);
