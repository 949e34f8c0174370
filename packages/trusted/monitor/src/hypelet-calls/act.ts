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
import type { Register, ToMachine, VirtualCsr } from '@cloister/protocol';
import { enter } from '../harts.ts';
import { storeBytes } from '../io-gate/guest-memory.ts';
import type { Machine } from '../machine.ts';
import { frameBytes, giveFrames, pitEntry, takeFrame } from '../tables/pit.ts';

// What `decode.ts` has checked is carried out here. Nothing of it can fail.

const NOTHING = new Uint8Array(0);
type Run = Extract<ToMachine, { kind: 'hart.run' }>;

/** Enters the guest with what the slice changed of the exit. A grant of 0 microseconds is none. */
export function enterGuest(machine: Machine, call: Run, changes: ReadonlyMap<Register, bigint>): void {
  const { board, budget } = machine;
  const hart = machine.harts[call.hart]!;
  const first = hart.phase === 'created';
  for (const [register, value] of changes) hart.shadow.set(register, value);
  if (call.microseconds > 0) budget.sequence = call.sequence;
  addBudget(board, call.hart, call.microseconds);
  const completion = enter(hart);
  if (first) machine.start(machine.launch.end!);
  else completeExit(board, call.hart, completion);
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

export function sealFrame(machine: Machine, frame: number, version: number): void {
  const { pit, send } = machine;
  const sealed = machine.seal.seal(frame, version, frameBytes(pit, frame));
  takeFrame(pit, frame);
  // No hart runs: each looks the frame up again when it is entered.
  machine.harts.forEach((_, hart) => void flushHart(machine.memory, hart));
  send({ kind: 'frame.mapped', operation: 'take', frame, sealed });
}

/** Gives the VM frames of zeros, or one with the contents that had left. */
export function mapFrames({ pit, gate, send }: Machine, frame: number, count: number, contents?: Uint8Array): void {
  giveFrames(pit, frame, count);
  if (contents !== undefined) storeBytes(gate.memory, pitEntry(pit, frame).address, contents);
  const operation = contents === undefined ? 'zero' : 'restore';
  send({ kind: 'frame.mapped', operation, frame, sealed: NOTHING });
}
