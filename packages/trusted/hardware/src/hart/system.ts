import { HART } from '../layout.ts';
import { flushPage, flushTranslated } from '../mmu/tlb.ts';
import { CAUSE } from './causes.ts';
import { finish, illegal } from './csr.ts';
import { SLOT, STATUS } from './csr-slots.ts';
import { fenceInstructions } from './fetch.ts';
import type { Hart } from './hart.ts';
import { takeInterrupt, wakeable } from './interrupts.ts';
import { checkBlock, zeroBlock } from './memory-access.ts';
import { RECORD } from './record.ts';
import { supervisorCall } from './sbi.ts';
import { RESULT, SYSTEM_OPERATIONS } from './slow-path.ts';
import { advancePc, PRIVILEGE, privilege, retire, settlePc, setWord, word } from './state.ts';
import { CALL_CAUSE, raise, returnFromTrap } from './trap.ts';

/** The privileged operations of the instruction table. */
export function systemInstruction(hart: Hart, index: number): number {
  const { state } = hart;
  const level = privilege(state);
  const status = word(state, SLOT.mstatus);
  switch (SYSTEM_OPERATIONS[index]) {
    case 'ecall':
      if (level === PRIVILEGE.S && hart.builtInSbi) return supervisorCall(hart);
      return raise(hart, CALL_CAUSE[level]);
    case 'ebreak':
      settlePc(state);
      return raise(hart, CAUSE.breakpoint, word(state, HART.pc), word(state, HART.pc + 4));
    case 'mret':
      if (level !== PRIVILEGE.M) return illegal(hart);
      return leaveTrap(hart, 'M');
    case 'sret':
      if (level === PRIVILEGE.U || (level === PRIVILEGE.S && (status & STATUS.TSR) !== 0)) return illegal(hart);
      return leaveTrap(hart, 'S');
    case 'wfi':
      return waitForInterrupt(hart, level, status);
    case 'fence.i':
      fenceInstructions(hart);
      return RESULT.next;
    case 'sfence.vma':
      if (level === PRIVILEGE.U || (level === PRIVILEGE.S && (status & STATUS.TVM) !== 0)) return illegal(hart);
      return fenceTranslations(hart);
    case 'sfence.order':
      return level === PRIVILEGE.U ? illegal(hart) : RESULT.next;
    case 'cbo.zero':
      return permitted(hart, 7) ? zeroBlock(hart, ...sourceAddress(hart)) : illegal(hart);
    case 'cbo.clean':
      return permitted(hart, 6) ? checkBlock(hart, ...sourceAddress(hart)) : illegal(hart);
    default:
      return permitted(hart, 4) || permitted(hart, 5) ? checkBlock(hart, ...sourceAddress(hart)) : illegal(hart);
  }
}

function leaveTrap(hart: Hart, level: 'M' | 'S'): number {
  settlePc(hart.state);
  returnFromTrap(hart, level);
  retire(hart.state);
  takeInterrupt(hart);
  return RESULT.reload;
}

/** Continues at once when an interrupt is pending and enabled; else leaves, and the hart's outer loop waits (§3.3.3). */
function waitForInterrupt(hart: Hart, level: number, status: number): number {
  if (level !== PRIVILEGE.M && (status & STATUS.TW) !== 0) return illegal(hart);
  // A wait in U-mode is bounded by zero time: it is an illegal instruction (S is implemented).
  if (level === PRIVILEGE.U) return illegal(hart);
  if (wakeable(hart)) return finish(hart);
  settlePc(hart.state);
  advancePc(hart.state, 4);
  retire(hart.state);
  hart.waiting = true;
  setWord(hart.state, HART.leave, 1);
  return RESULT.reload;
}

/** The address in rs1 of the instruction at HART.ip. */
function sourceAddress(hart: Hart): [low: number, high: number] {
  const { state } = hart;
  const at = (state.base + HART.x + state.bytes[word(state, HART.ip) + RECORD.rs1]!) >>> 2;
  return [state.words[at]!, state.words[at + 1]!];
}

/** sfence.vma and sinval.vma: rs1 = x0 fences all pages; there are no ASIDs to tell apart (§12.2.1). */
function fenceTranslations(hart: Hart): number {
  const { state } = hart;
  const all = state.bytes[word(state, HART.ip) + RECORD.rs1]! === 0;
  const [low, high] = sourceAddress(hart);
  const page = high * 2 ** 32 + (low >>> 0);
  if (all || (page >= hart.largeFrom && page < hart.largeTo)) {
    flushTranslated(state);
    hart.largeFrom = Number.POSITIVE_INFINITY;
    hart.largeTo = Number.NEGATIVE_INFINITY;
  } else flushPage(state, low, high);
  return RESULT.next;
}

/** xenvcfg's bit for a cache-block operation: menvcfg rules S and U, senvcfg U (CMO §2.5). */
function permitted(hart: Hart, bit: number): boolean {
  const { state } = hart;
  const level = privilege(state);
  if (level !== PRIVILEGE.M && ((word(state, SLOT.menvcfg) >>> bit) & 1) === 0) return false;
  return level !== PRIVILEGE.U || ((word(state, SLOT.senvcfg) >>> bit) & 1) === 1;
}
