import { HART } from '../layout.ts';

/** Privilege levels (privileged specification §1.2). */
export const PRIVILEGE = { U: 0, S: 1, M: 3 } as const;
export type Privilege = 0 | 1 | 3;

/**
 * A hart's registers as they lie in the shared memory. A 64-bit register is two words; numbers are 32-bit patterns
 * (signed), since BigInt on the paths of traps and TLB misses would cost more than the rest of them.
 */
export interface HartState {
  readonly index: number;
  /** Byte offset of the record in the shared memory. */
  readonly base: number;
  /** The whole shared memory as words and bytes. */
  readonly words: Int32Array;
  readonly bytes: Uint8Array;
}

export function hartState(memory: SharedArrayBuffer, index: number): HartState {
  return {
    index,
    base: HART.base + index * HART.stride,
    words: new Int32Array(memory),
    bytes: new Uint8Array(memory),
  };
}

export function word(state: HartState, offset: number): number {
  return state.words[(state.base + offset) >>> 2]!;
}

export function setWord(state: HartState, offset: number, value: number): void {
  state.words[(state.base + offset) >>> 2] = value;
}

export function setWide(state: HartState, offset: number, low: number, high: number): void {
  const at = (state.base + offset) >>> 2;
  state.words[at] = low;
  state.words[at + 1] = high;
}

export function wide(state: HartState, offset: number): bigint {
  const at = (state.base + offset) >>> 2;
  return (BigInt(state.words[at + 1]! >>> 0) << 32n) | BigInt(state.words[at]! >>> 0);
}

export function setWideBig(state: HartState, offset: number, value: bigint): void {
  setWide(state, offset, Number(BigInt.asIntN(32, value)), Number(BigInt.asIntN(32, value >> 32n)));
}

/** Integer register `n` as an unsigned 64-bit value. */
export function x(state: HartState, n: number): bigint {
  return wide(state, HART.x + 8 * n);
}

/** Writes integer register `n`; x0 stays 0. */
export function setX(state: HartState, n: number, value: bigint): void {
  if (n !== 0) setWideBig(state, HART.x + 8 * n, value);
}

export function privilege(state: HartState): Privilege {
  return word(state, HART.privilege) as Privilege;
}

/** pc of the instruction under execution, from its record: stored into HART.pc. */
export function settlePc(state: HartState): void {
  const { words, base } = state;
  const offset = (words[(base + HART.ip) >>> 2]! - words[(base + HART.pageRecords) >>> 2]!) >>> 2;
  const at = (base + HART.pageAddress) >>> 2;
  const low = words[at]! + offset;
  words[(base + HART.pc) >>> 2] = low;
  // A straddling instruction's successor may lie past the page: carry into the upper half.
  words[((base + HART.pc) >>> 2) + 1] = words[at + 1]! + (low >>> 0 < words[at]! >>> 0 ? 1 : 0);
}

/** Moves HART.pc on by an instruction's length. */
export function advancePc(state: HartState, length: number): void {
  const at = (state.base + HART.pc) >>> 2;
  const low = (state.words[at]! + length) | 0;
  if (low >>> 0 < length) state.words[at + 1] = (state.words[at + 1]! + 1) | 0;
  state.words[at] = low;
}

/** One instruction fewer may be retired. */
export function retire(state: HartState): void {
  state.words[(state.base + HART.remaining) >>> 2] = state.words[(state.base + HART.remaining) >>> 2]! - 1;
}
