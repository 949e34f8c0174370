import type { Board } from '../board.ts';
import type { Bus } from '../device/bus.ts';
import { resetClint } from '../interrupt/clint.ts';
import { DECODE, FRAME_SLOTS, HART, TLB } from '../layout.ts';
import { MEMORY_MAP } from '../memory-map.ts';
import { frameFlags } from '../mmu/frame.ts';
import { type PmpRegion, pmpOpens, pmpRegions } from '../mmu/pmp.ts';
import { CONTEXT, flushAll, selectContexts } from '../mmu/tlb.ts';
import type { Translation } from '../mmu/walk.ts';
import type { Outside } from '../outside.ts';
import { SLOT, STATUS, STATUS_HIGH_XL } from './csr-slots.ts';
import { OPERATION } from './handlers.ts';
import { type HartState, hartState, PRIVILEGE, type Privilege, privilege, setWide, setWord, word } from './state.ts';

/** One hart with all that it reaches: its registers in shared memory, and what is derived from them. */
export interface Hart {
  readonly state: HartState;
  readonly ramBytes: number;
  readonly frames: Uint8Array;
  readonly board: Board;
  readonly bus: Bus;
  readonly outside: Outside;
  /** Calls from S-mode are answered by the machine (SBI); else they trap to the firmware in M-mode. */
  builtInSbi: boolean;
  /** Active PMP entries, derived from the pmp registers. */
  regions: PmpRegion[];
  /** They open all of RAM to every mode: nothing to check then. */
  ramOpen: boolean;
  /** Scratch for translations, so that none is allocated. */
  readonly translation: Translation;
  /** Decode slots in use. */
  slotsUsed: number;
  /** Frame of each decode slot. */
  readonly slotFrames: Int32Array;
  /** Range of pages that were filled from large leaves since the last flush: a fence of one of them flushes all. */
  largeFrom: number;
  largeTo: number;
  /** Retired instructions before the current call of the interpreter, and the count that call may retire. */
  retired: number;
  allowed: number;
  /** The guest physical page of the frame that the guest needs and does not have; -1: none. */
  absent: number;
  /** Runs on a budget that the monitor gives; else for ever. */
  readonly metered: boolean;
  /** Ticks of running that were not taken from the budget yet. */
  unbilled: number;
  /** A WFI waits for an interrupt. */
  waiting: boolean;
  /** The guest ended the run: a store to the test finisher, or a wish of the owner. */
  ended: boolean;
  /** Called for each store to `watchAt` (guest physical), for `tohost`. */
  watch: ((value: bigint) => void) | undefined;
  watchAt: number;
}

export interface HartOptions {
  readonly memory: SharedArrayBuffer;
  readonly index: number;
  readonly ramBytes: number;
  readonly board: Board;
  readonly bus: Bus;
  readonly outside: Outside;
  readonly metered: boolean;
}

/** misa: RV64 with the extensions A, C, D, F, I, M, S and U. */
const MISA_LOW = 'acdfimsu'.split('').reduce((bits, letter) => bits | (1 << (letter.charCodeAt(0) - 97)), 0);
const MISA_HIGH = 2 << 30;

/** A hart in its reset state: M-mode, no translation, PMP off. The caller sets pc and privilege. */
export function createHart(options: HartOptions): Hart {
  const state = hartState(options.memory, options.index);
  state.bytes.fill(0, state.base, state.base + HART.tlb + TLB.contexts * TLB.contextBytes);
  setWord(state, HART.privilege, PRIVILEGE.M);
  setWide(state, SLOT.mstatus, 0, STATUS_HIGH_XL);
  setWide(state, SLOT.misa, MISA_LOW, MISA_HIGH);
  setWide(state, SLOT.stimecmp, -1, -1);
  setWord(state, HART.straddle + 2 * DECODE.recordBytes, OPERATION.pageEnd);
  flushAll(state);
  resetClint(options.board, options.index);
  const hart: Hart = {
    state,
    ramBytes: options.ramBytes,
    frames: frameFlags(options.memory),
    board: options.board,
    bus: options.bus,
    outside: options.outside,
    builtInSbi: false,
    regions: [],
    ramOpen: false,
    translation: { outcome: 'ok', page: 0, large: false },
    slotsUsed: 0,
    slotFrames: new Int32Array(DECODE.slots),
    largeFrom: Number.POSITIVE_INFINITY,
    largeTo: Number.NEGATIVE_INFINITY,
    retired: 0,
    allowed: 0,
    absent: -1,
    metered: options.metered,
    unbilled: 0,
    waiting: false,
    ended: false,
    watch: undefined,
    watchAt: -1,
  };
  updatePmp(hart);
  updateContexts(hart);
  return hart;
}

/** After a PMP register changed. */
export function updatePmp(hart: Hart): void {
  hart.regions = pmpRegions(hart.state);
  hart.ramOpen = pmpOpens(hart.regions, MEMORY_MAP.ram.base, hart.ramBytes);
}

/** Privilege with which loads and stores are done: MPRV borrows MPP's (privileged specification §3.1.6.3). */
export function dataPrivilege(hart: Hart): Privilege {
  const status = word(hart.state, SLOT.mstatus);
  const current = privilege(hart.state);
  return current === PRIVILEGE.M && (status & STATUS.MPRV) !== 0 ? (((status >> 11) & 3) as Privilege) : current;
}

export function sumSet(hart: Hart): boolean {
  return (word(hart.state, SLOT.mstatus) & STATUS.SUM) !== 0;
}

function contextOf(level: Privilege, sum: boolean): number {
  if (level === PRIVILEGE.M) return CONTEXT.machine;
  if (level === PRIVILEGE.U) return CONTEXT.user;
  return sum ? CONTEXT.supervisorSum : CONTEXT.supervisor;
}

/** After privilege, MPRV, MPP or SUM changed. S-mode fetches do not depend on SUM. */
export function updateContexts(hart: Hart): void {
  selectContexts(hart.state, contextOf(dataPrivilege(hart), sumSet(hart)), contextOf(privilege(hart.state), false));
}

export function frameSlotWord(hart: Hart, frame: number): number {
  return ((FRAME_SLOTS.base + hart.state.index * FRAME_SLOTS.stride) >>> 2) + frame;
}

/** Instructions retired so far, those of the running call of the interpreter included. */
export function retiredCount(hart: Hart): number {
  return hart.retired + hart.allowed - word(hart.state, HART.remaining);
}
