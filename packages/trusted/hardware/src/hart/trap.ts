import { HART } from '../layout.ts';
import { CAUSE } from './causes.ts';
import { SLOT, STATUS } from './csr-slots.ts';
import { type Hart, updateContexts } from './hart.ts';
import { RESULT } from './slow-path.ts';
import { PRIVILEGE, privilege, settlePc, setWide, setWord, word } from './state.ts';

/**
 * Takes a trap (privileged specification §3.1.6.1, §3.1.7, §12.1.2): HART.pc is the interrupted instruction's address.
 * `code` is the cause without its interrupt bit; the value is what mtval or stval gets.
 */
export function takeTrap(hart: Hart, code: number, interrupt: boolean, valueLow: number, valueHigh: number): void {
  const { state } = hart;
  const from = privilege(state);
  const delegation = word(state, interrupt ? SLOT.mideleg : SLOT.medeleg);
  const toSupervisor = from !== PRIVILEGE.M && ((delegation >>> code) & 1) === 1;
  const status = word(state, SLOT.mstatus);
  const pcLow = word(state, HART.pc);
  const pcHigh = word(state, HART.pc + 4);
  const causeHigh = interrupt ? 0x8000_0000 | 0 : 0;
  if (toSupervisor) {
    setWide(state, SLOT.sepc, pcLow, pcHigh);
    setWide(state, SLOT.scause, code, causeHigh);
    setWide(state, SLOT.stval, valueLow, valueHigh);
    const interruptsWereOn = (status & STATUS.SIE) !== 0;
    setWord(
      state,
      SLOT.mstatus,
      (status & ~(STATUS.SIE | STATUS.SPIE | STATUS.SPP)) |
        (interruptsWereOn ? STATUS.SPIE : 0) |
        (from === PRIVILEGE.S ? STATUS.SPP : 0),
    );
    setWord(state, HART.privilege, PRIVILEGE.S);
    enterVector(hart, SLOT.stvec, code, interrupt);
  } else {
    setWide(state, SLOT.mepc, pcLow, pcHigh);
    setWide(state, SLOT.mcause, code, causeHigh);
    setWide(state, SLOT.mtval, valueLow, valueHigh);
    const interruptsWereOn = (status & STATUS.MIE) !== 0;
    setWord(
      state,
      SLOT.mstatus,
      (status & ~(STATUS.MIE | STATUS.MPIE | STATUS.MPP)) | (interruptsWereOn ? STATUS.MPIE : 0) | (from << 11),
    );
    setWord(state, HART.privilege, PRIVILEGE.M);
    enterVector(hart, SLOT.mtvec, code, interrupt);
  }
  hart.waiting = false;
  updateContexts(hart);
  if (!interrupt && word(state, HART.pc) === pcLow && word(state, HART.pc + 4) === pcHigh) trappedAtVector(hart);
}

/**
 * A trap vector that traps itself retires nothing for ever: each round leaves the interpreter, so that its owner can
 * stop the hart, or an interrupt take it away. Where time is the count of retired instructions, nothing ever will.
 */
function trappedAtVector(hart: Hart): void {
  setWord(hart.state, HART.leave, 1);
  if (hart.outside.skipTo !== undefined) hart.ended = true;
}

/** Mode 1 of xtvec sends interrupts to base + 4 * code (§3.1.7). */
function enterVector(hart: Hart, slot: number, code: number, interrupt: boolean): void {
  const low = word(hart.state, slot);
  const offset = interrupt && (low & 3) === 1 ? 4 * code : 0;
  const base = low & ~3;
  const sum = (base >>> 0) + offset;
  setWide(hart.state, HART.pc, sum | 0, word(hart.state, slot + 4) + (sum > 0xffff_ffff ? 1 : 0));
}

/** An exception of the instruction at HART.ip; always `RESULT.reload`. */
export function raise(hart: Hart, code: number, valueLow = 0, valueHigh = 0): number {
  settlePc(hart.state);
  takeTrap(hart, code, false, valueLow, valueHigh);
  return RESULT.reload;
}

/** xRET's half of trap handling, for M and S (§3.3.2). */
export function returnFromTrap(hart: Hart, level: 'M' | 'S'): void {
  const { state } = hart;
  const status = word(state, SLOT.mstatus);
  const machine = level === 'M';
  const previous = machine ? (status >> 11) & 3 : (status & STATUS.SPP) !== 0 ? PRIVILEGE.S : PRIVILEGE.U;
  const [enable, saved, level_, pc] = machine
    ? ([STATUS.MIE, STATUS.MPIE, STATUS.MPP, SLOT.mepc] as const)
    : ([STATUS.SIE, STATUS.SPIE, STATUS.SPP, SLOT.sepc] as const);
  let next = (status & ~(enable | level_)) | ((status & saved) !== 0 ? enable : 0) | saved;
  if (previous !== PRIVILEGE.M) next &= ~STATUS.MPRV;
  setWord(state, SLOT.mstatus, next);
  setWord(state, HART.privilege, previous);
  setWide(state, HART.pc, word(state, pc), word(state, pc + 4));
  updateContexts(hart);
}

export const CALL_CAUSE = { 0: CAUSE.callFromU, 1: CAUSE.callFromS, 3: CAUSE.callFromM } as const;
