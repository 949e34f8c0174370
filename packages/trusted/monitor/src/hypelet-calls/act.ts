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
import type { Register, VirtualCsr } from '@cloister/protocol';
import { enter } from '../harts.ts';
import { storeBytes } from '../io-gate/guest-memory.ts';
import type { Machine } from '../machine.ts';
import { frameBytes, giveFrames, pitEntry, takeFrame } from '../tables/pit.ts';

// What `decode.ts` has checked is carried out here. Nothing of it can fail.

const NOTHING = new Uint8Array(0);

/** A grant of 0 microseconds is none. */
export function enterGuest(
  machine: Machine,
  number: number,
  changes: ReadonlyMap<Register, bigint>,
  grant: { readonly microseconds: number; readonly sequence: bigint },
): void {
  const hart = machine.harts[number]!;
  const first = hart.phase === 'created';
  for (const [register, value] of changes) hart.shadow.set(register, value);
  if (grant.microseconds > 0) machine.budget.sequence = grant.sequence;
  addBudget(machine.board, number, grant.microseconds);
  const completion = enter(hart);
  if (first) machine.start(machine.launch.end!);
  else completeExit(machine.board, number, completion);
}

export function readCsr({ board, send }: Machine, hart: number, csr: VirtualCsr): void {
  const value = csr === 'budget' ? BigInt(budgetLeft(board, hart)) : retiredOf(board, hart);
  send({ kind: 'csr.value', hart, csr, value });
}

export function inject(machine: Machine, device: number): void {
  machine.injectedAt.set(device, machine.now());
  signal(machine.board, machine.harts.length, device, 1);
}

export function fence({ board }: Machine, harts: readonly number[]): void {
  for (const hart of harts) raiseAttention(board, hart, ATTENTION.fence);
}

export function zeroFrames({ pit, send }: Machine, frame: number, count: number): void {
  giveFrames(pit, frame, count);
  send({ kind: 'frame.mapped', operation: 'zero', frame, sealed: NOTHING });
}

export function sealFrame(machine: Machine, frame: number, version: number): void {
  const { pit, send } = machine;
  const sealed = machine.seal.seal(frame, version, frameBytes(pit, frame));
  takeFrame(pit, frame);
  // No hart runs: each looks the frame up again when it is entered.
  machine.harts.forEach((_, hart) => void flushHart(machine.memory, hart));
  send({ kind: 'frame.mapped', operation: 'take', frame, sealed });
}

export function restoreFrame({ pit, gate, send }: Machine, frame: number, bytes: Uint8Array): void {
  giveFrames(pit, frame, 1);
  storeBytes(gate.memory, pitEntry(pit, frame).address, bytes);
  send({ kind: 'frame.mapped', operation: 'restore', frame, sealed: NOTHING });
}
