import type { Decoded } from './decode.ts';
import type { OperandValues } from './operands.ts';
import type { SystemName } from './semantics.ts';

/** A hart as the reference evaluator sees it: plain numbers. 64-bit values are unsigned. */
export interface EvaluatorHart {
  /** x0 is there, and 0. */
  readonly x: bigint[];
  readonly f: bigint[];
  pc: bigint;
  fflags: number;
  frm: number;
  /** mstatus.FS: 0 Off, 1 Initial, 2 Clean, 3 Dirty. */
  fs: number;
  /** What LR reserved, and the unsigned value that it read there. */
  reservation: { readonly address: bigint; readonly value: bigint } | undefined;
}

/** What lies outside the unprivileged hart. Each function may end the instruction by `raiseTrap`. */
export interface EvaluatorMachine {
  /** An unsigned number of `bytes` bytes; `amo` asks for write permission too, and faults as a store does. */
  load(address: bigint, bytes: number, access: 'load' | 'amo'): bigint;
  store(address: bigint, bytes: number, value: bigint): void;
  /**
   * The CSR's value before, and writes what `replace` makes of it. All rights are checked before anything changes.
   * Without `read` the read has no side effects, and its value is not used (Zicsr §6.1).
   */
  csr(address: number, read: boolean, replace: ((before: bigint) => bigint) | undefined): bigint;
  /** Does what a system instruction does; the pc after it, if that is not the next instruction. */
  system(name: SystemName, hart: EvaluatorHart, instance: Instance): bigint | undefined;
}

/** One instruction in its place. */
export type Instance = Pick<Decoded, 'base' | 'length'> & { readonly operands: OperandValues };

/** Exception codes that the evaluator itself raises (privileged specification, table of mcause values). */
export const TRAP = { illegal: 2, loadMisaligned: 4, storeMisaligned: 6 } as const;

export type Outcome =
  | { readonly kind: 'retired' }
  | { readonly kind: 'trap'; readonly cause: number; readonly value: bigint };

/** Which errors are traps on their way out of the evaluation; `evaluate` lets none go further. */
const TRAPS = new WeakMap<object, Outcome>();

export function raiseTrap(cause: number, value: bigint): never {
  const signal = new Error(`Trap ${cause}`);
  TRAPS.set(signal, { kind: 'trap', cause, value });
  throw signal;
}

/** The outcome that an error stands for; undefined: it is no trap. */
export function trapOf(error: unknown): Outcome | undefined {
  return typeof error === 'object' && error !== null ? TRAPS.get(error) : undefined;
}
