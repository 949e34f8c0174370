import { interruptLines } from '../board.ts';
import { clintRegisters } from '../interrupt/clint.ts';
import { plicPending } from '../interrupt/plic.ts';
import { INTERRUPT } from './causes.ts';
import { SLOT, STATUS } from './csr-slots.ts';
import type { Hart } from './hart.ts';
import { PRIVILEGE, privilege, word } from './state.ts';
import { takeTrap } from './trap.ts';

const bit = (code: number): number => 1 << code;

/** Highest first (privileged specification §3.1.9): external, software, timer; machine before supervisor. */
const ORDER = [
  INTERRUPT.machineExternal,
  INTERRUPT.machineSoftware,
  INTERRUPT.machineTimer,
  INTERRUPT.supervisorExternal,
  INTERRUPT.supervisorSoftware,
  INTERRUPT.supervisorTimer,
];

/** menvcfg.STCE: stimecmp drives STIP (Sstc §2). */
export function sstcEnabled(hart: Hart): boolean {
  return (word(hart.state, SLOT.menvcfg + 4) & 0x8000_0000) !== 0;
}

/** 64-bit register as a number; exact for times, and all that matters here is the order. */
function asNumber(hart: Hart, slot: number): number {
  return (word(hart.state, slot + 4) >>> 0) * 2 ** 32 + (word(hart.state, slot) >>> 0);
}

/** mip: the bits that software wrote, and the levels of the interrupt controller and the timers now. */
export function pendingBits(hart: Hart): number {
  const lines = interruptLines(hart.board);
  const contexts = plicPending(hart.board, hart.state.index, lines);
  const clint = clintRegisters(hart.board, hart.state.index);
  const ticks = hart.outside.ticks();
  let bits = word(hart.state, SLOT.mip);
  if ((contexts & 1) !== 0) bits |= bit(INTERRUPT.machineExternal);
  if ((contexts & 2) !== 0) bits |= bit(INTERRUPT.supervisorExternal);
  if (clint.software) bits |= bit(INTERRUPT.machineSoftware);
  if (ticks >= clint.compare) bits |= bit(INTERRUPT.machineTimer);
  if (sstcEnabled(hart)) {
    bits &= ~bit(INTERRUPT.supervisorTimer);
    if (ticks >= asNumber(hart, SLOT.stimecmp)) bits |= bit(INTERRUPT.supervisorTimer);
  }
  return bits;
}

/** The time in ticks at which the next timer interrupt becomes pending. */
export function nextTimer(hart: Hart): number {
  const machine = clintRegisters(hart.board, hart.state.index).compare;
  return sstcEnabled(hart) ? Math.min(machine, asNumber(hart, SLOT.stimecmp)) : machine;
}

/** Takes the highest interrupt that is pending and enabled; HART.pc must be true. */
export function takeInterrupt(hart: Hart): boolean {
  const enabled = word(hart.state, SLOT.mie);
  if (enabled === 0) return false;
  const pending = pendingBits(hart) & enabled;
  if (pending === 0) return false;
  const status = word(hart.state, SLOT.mstatus);
  const level = privilege(hart.state);
  const delegated = word(hart.state, SLOT.mideleg);
  const machine = level !== PRIVILEGE.M || (status & STATUS.MIE) !== 0 ? pending & ~delegated : 0;
  const supervisor =
    level === PRIVILEGE.U || (level === PRIVILEGE.S && (status & STATUS.SIE) !== 0) ? pending & delegated : 0;
  const candidates = machine !== 0 ? machine : supervisor;
  const code = ORDER.find((candidate) => (candidates & bit(candidate)) !== 0);
  if (code === undefined) return false;
  takeTrap(hart, code, true, 0, 0);
  return true;
}

/** Whether a WFI may go on: something is pending and enabled in mie, whatever the global enables say (§3.3.3). */
export function wakeable(hart: Hart): boolean {
  return (pendingBits(hart) & word(hart.state, SLOT.mie)) !== 0;
}
