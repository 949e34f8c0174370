import type { Completion, Exit } from '@cloister/hardware';
import { type ExitReason, exitMask, type Register } from '@cloister/protocol';

/**
 * A hart as its slice may see it. Entries and exits have one order, which is this state machine's:
 * absent -> created (`hart.init`) -> running (`hart.run`) -> exited (`hart.exit`) -> running (`hart.run`) -> ...
 */
export interface HartRecord {
  phase: 'absent' | 'created' | 'running' | 'exited';
  /** How many exits it has had: the number of the last one. */
  exits: number;
  /** Why it has exited. */
  reason: ExitReason;
  /** What the exit exposes, with what the slice has made of it since. The monitor's own copy: nothing else goes back. */
  readonly shadow: Map<Register, bigint>;
}

export const createHartRecord = (): HartRecord => ({ phase: 'absent', exits: 0, reason: 'budget', shadow: new Map() });

/** An exit that a slice may be told of. */
export type SliceExit = Extract<Exit, { readonly reason: ExitReason }>;

/** An exit of a running hart that its slice is told of. */
export function leave(hart: HartRecord, exit: SliceExit): void {
  hart.phase = 'exited';
  hart.exits += 1;
  hart.reason = exit.reason;
  hart.shadow.clear();
  const values = valuesOf(exit);
  exitMask(exit.reason).exposes.forEach((register, i) => void hart.shadow.set(register, values[i]!));
}

/** In the order of the mask. */
function valuesOf(exit: SliceExit): readonly bigint[] {
  switch (exit.reason) {
    case 'sbi':
      return [exit.extension, exit.function, exit.arguments[0]!, exit.arguments[1]!];
    case 'syscon':
      return [BigInt(exit.value)];
    case 'frame-fault':
      return [BigInt(exit.address)];
    case 'budget':
      return [];
  }
}

/** What the exit exposes, as `hart.exit` carries it. */
export const exposed = ({ shadow }: HartRecord): readonly bigint[] => [...shadow.values()];

export const NO_VALUE: Completion = { value: 0n };

/** Lets a hart run again. Returns what completes its exit. */
export function enter(hart: HartRecord): Completion {
  hart.phase = 'running';
  const { shadow, reason } = hart;
  return reason === 'sbi' ? { error: shadow.get('a0')!, value: shadow.get('a1')! } : NO_VALUE;
}
