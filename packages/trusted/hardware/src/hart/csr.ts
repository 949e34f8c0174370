import { HART } from '../layout.ts';
import { PMP_ENTRIES, pmpConfig } from '../mmu/pmp.ts';
import { flushAll, flushTranslated } from '../mmu/tlb.ts';
import { CAUSE } from './causes.ts';
import { SLOT, STATUS } from './csr-slots.ts';
import { CSR_MASKS, STORED_CSRS, type StoredCsr } from './csr-table.ts';
import { instructionBits } from './fetch.ts';
import { type Hart, retiredCount, updateContexts, updatePmp } from './hart.ts';
import { pendingBits, sstcEnabled, takeInterrupt } from './interrupts.ts';
import { RECORD } from './record.ts';
import { CSR_WRITES, RESULT } from './slow-path.ts';
import {
  advancePc,
  PRIVILEGE,
  privilege,
  retire,
  settlePc,
  setWide,
  setWideBig,
  setWord,
  wide,
  word,
} from './state.ts';
import { raise } from './trap.ts';

const STATUS_CONTEXT = STATUS.SUM | STATUS.MXR | STATUS.MPRV | STATUS.MPP;
const FS_OFF = 0;

/** Raises an illegal-instruction exception with the instruction's word as its value. */
export function illegal(hart: Hart): number {
  return raise(hart, CAUSE.illegal, instructionBits(hart), 0);
}

/** One of the six CSR instructions at HART.ip (Zicsr §6.1): rs and rc with x0 or 0 do not write. */
export function csrInstruction(hart: Hart, write: number, immediate: number): number {
  const { state } = hart;
  const record = word(state, HART.ip);
  const number = state.words[(record + RECORD.immediate) >>> 2]! & 0xfff;
  const rd = state.bytes[record + RECORD.rd]!;
  const source = state.bytes[record + RECORD.rs1]!;
  const mode = CSR_WRITES[write]!;
  const writes = mode === 'rw' || source !== 0;
  if (!accessible(hart, number, writes)) return illegal(hart);
  const sourceAt = (state.base + HART.x + source) >>> 2;
  const low = immediate !== 0 ? source >>> 3 : state.words[sourceAt]!;
  const high = immediate !== 0 ? 0 : state.words[sourceAt + 1]!;

  const entry = STORED_CSRS.get(number);
  if (entry !== undefined) return storedAccess(hart, entry, mode, writes, low, high, rd);
  const old = readSpecial(hart, number);
  if (old === undefined) return illegal(hart);
  let reload = false;
  if (writes) {
    const operand = (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);
    // Setting and clearing bits of mip and sip acts on the bits that software wrote, not on a device's level.
    const basis = number === 0x344 || number === 0x144 ? BigInt(word(state, SLOT.mip) >>> 0) : old;
    const value = mode === 'rw' ? operand : mode === 'rs' ? basis | operand : basis & ~operand;
    const outcome = writeSpecial(hart, number, value & 0xffff_ffff_ffff_ffffn);
    if (outcome === undefined) return illegal(hart);
    reload = outcome;
  }
  if (rd !== 0) setWideBig(state, HART.x + rd, old);
  return reload ? finish(hart) : RESULT.next;
}

/** Retires the instruction and lets the interpreter start anew behind it; takes an interrupt that became enabled. */
export function finish(hart: Hart): number {
  settlePc(hart.state);
  advancePc(hart.state, 4);
  retire(hart.state);
  takeInterrupt(hart);
  return RESULT.reload;
}

function storedAccess(
  hart: Hart,
  entry: StoredCsr,
  mode: string,
  writes: boolean,
  low: number,
  high: number,
  rd: number,
): number {
  const { state } = hart;
  const at = (state.base + entry.slot) >>> 2;
  const slotLow = state.words[at]!;
  const slotHigh = state.words[at + 1]!;
  let oldLow = slotLow & entry.visible[0];
  let oldHigh = slotHigh & entry.visible[1];
  // SD summarises FS = Dirty in both status registers.
  if (entry.slot === SLOT.mstatus && (slotLow & STATUS.FS) === STATUS.FS) oldHigh |= 0x8000_0000;
  oldLow |= 0;
  oldHigh |= 0;
  if (writes) {
    const [maskLow, maskHigh] = entry.writable;
    const valueLow = mode === 'rw' ? low : mode === 'rs' ? slotLow | low : slotLow & ~low;
    const valueHigh = mode === 'rw' ? high : mode === 'rs' ? slotHigh | high : slotHigh & ~high;
    let nextLow = (slotLow & ~maskLow) | (valueLow & maskLow);
    // MPP holds a privilege that exists: 2 is reserved, and the write leaves the field as it was (WARL).
    if (entry.slot === SLOT.mstatus && (nextLow & STATUS.MPP) === 2 << 11)
      nextLow = (nextLow & ~STATUS.MPP) | (slotLow & STATUS.MPP);
    state.words[at] = nextLow;
    state.words[at + 1] = (slotHigh & ~maskHigh) | (valueHigh & maskHigh);
  }
  if (rd !== 0) setWide(state, HART.x + rd, oldLow, oldHigh);
  if (!writes || !entry.reload) return RESULT.next;
  if (entry.slot === SLOT.mstatus) {
    const changed = slotLow ^ state.words[at]!;
    // What only moves FS, or clears an enable, changes neither translations nor what is pending.
    if ((changed & (STATUS_CONTEXT | STATUS.SIE | STATUS.MIE)) === 0) return RESULT.next;
    if ((changed & STATUS.MXR) !== 0) flushAll(state);
    if ((changed & STATUS_CONTEXT) !== 0) updateContexts(hart);
    else if ((state.words[at]! & changed) === 0) return RESULT.next;
  }
  return finish(hart);
}

/** Privilege, read-only numbers, counter enables, TVM and FS (privileged specification §2.1 and the registers' own). */
function accessible(hart: Hart, number: number, writes: boolean): boolean {
  const { state } = hart;
  const level = privilege(state);
  if (level < ((number >>> 8) & 3)) return false;
  if (writes && number >>> 10 === 3) return false;
  const status = word(state, SLOT.mstatus);
  if (number >= 1 && number <= 3) return (status & STATUS.FS) !== FS_OFF;
  if (number === 0x180) return !(level === PRIVILEGE.S && (status & STATUS.TVM) !== 0);
  if (number === 0x14d && level === PRIVILEGE.S) return sstcEnabled(hart) && (word(state, SLOT.mcounteren) & 2) !== 0;
  if (number >= 0xc00 && number <= 0xc1f) {
    const bit = 1 << (number & 31);
    if (level !== PRIVILEGE.M && (word(state, SLOT.mcounteren) & bit) === 0) return false;
    if (level === PRIVILEGE.U && (word(state, SLOT.scounteren) & bit) === 0) return false;
  }
  return true;
}

/** The value of a CSR that is not plain storage; undefined: no such register. */
function readSpecial(hart: Hart, number: number): bigint | undefined {
  const { state } = hart;
  switch (number) {
    case 0x001:
      return BigInt(word(state, HART.fflags));
    case 0x002:
      return BigInt(word(state, HART.frm));
    case 0x003:
      return BigInt(word(state, HART.fflags) | (word(state, HART.frm) << 5));
    case 0x104:
      return BigInt(word(state, SLOT.mie) & word(state, SLOT.mideleg));
    case 0x144:
      return BigInt(pendingBits(hart) & word(state, SLOT.mideleg));
    case 0x344:
      return BigInt(pendingBits(hart));
    case 0x180:
      return wide(state, SLOT.satp);
    case 0xc00:
    case 0xb00:
      return BigInt.asUintN(64, BigInt(retiredCount(hart)) + wide(state, SLOT.cycleOffset));
    case 0xc01:
      return BigInt(hart.outside.ticks());
    case 0xc02:
    case 0xb02:
      return BigInt.asUintN(64, BigInt(retiredCount(hart)) + wide(state, SLOT.instretOffset));
    case 0x320:
    // mcountinhibit, mvendorid, marchid, mimpid, mconfigptr, tselect, tdata1..3: read as zero.
    case 0xf11:
    case 0xf12:
    case 0xf13:
    case 0xf15:
    case 0x7a0:
    case 0x7a1:
    case 0x7a2:
    case 0x7a3:
      return 0n;
    case 0xf14:
      return BigInt(state.index);
    default:
  }
  // Event counters and selectors exist and count nothing (Zihpm).
  if (
    (number >= 0xc03 && number <= 0xc1f) ||
    (number >= 0xb03 && number <= 0xb1f) ||
    (number >= 0x323 && number <= 0x33f)
  )
    return 0n;
  if (number === 0x3a0 || number === 0x3a2) return wide(state, number === 0x3a0 ? SLOT.pmpcfg0 : SLOT.pmpcfg2);
  if (number >= 0x3b0 && number < 0x3b0 + PMP_ENTRIES) return wide(state, SLOT.pmpaddr0 + 8 * (number - 0x3b0));
  return undefined;
}

/** Writes such a CSR; true: the interpreter must reload; undefined: no such register. */
function writeSpecial(hart: Hart, number: number, value: bigint): boolean | undefined {
  const { state } = hart;
  const low = Number(value & 0xffff_ffffn);
  switch (number) {
    case 0x001:
      setWord(state, HART.fflags, low & 31);
      return markFloat(hart);
    case 0x002:
      setWord(state, HART.frm, low & 7);
      return markFloat(hart);
    case 0x003:
      setWord(state, HART.fflags, low & 31);
      setWord(state, HART.frm, (low >>> 5) & 7);
      return markFloat(hart);
    case 0x104: {
      const mask = word(state, SLOT.mideleg) & CSR_MASKS.INTERRUPTS;
      setWord(state, SLOT.mie, (word(state, SLOT.mie) & ~mask) | (low & mask));
      return true;
    }
    case 0x144: {
      // Of the supervisor's pending bits software may write SSIP alone (§12.1.3).
      const mask = word(state, SLOT.mideleg) & 2;
      setWord(state, SLOT.mip, (word(state, SLOT.mip) & ~mask) | (low & mask));
      return true;
    }
    case 0x344: {
      const mask = sstcEnabled(hart) ? 0x202 : CSR_MASKS.SUPERVISOR_INTERRUPTS;
      setWord(state, SLOT.mip, (word(state, SLOT.mip) & ~mask) | (low & mask));
      return true;
    }
    case 0x180:
      return writeSatp(hart, value);
    // A write replaces the increment of the writing instruction (Zicntr, §3.1.11).
    case 0xb00:
      setWideBig(state, SLOT.cycleOffset, value - BigInt(retiredCount(hart) + 1));
      return false;
    case 0xb02:
      setWideBig(state, SLOT.instretOffset, value - BigInt(retiredCount(hart) + 1));
      return false;
    case 0x3a0:
    case 0x3a2:
      return writePmpConfig(hart, number === 0x3a0 ? 0 : 8, value);
    default:
      if (number >= 0x3b0 && number < 0x3b0 + PMP_ENTRIES) return writePmpAddress(hart, number - 0x3b0, value);
      return readSpecial(hart, number) === undefined ? undefined : false;
  }
}

function markFloat(hart: Hart): false {
  setWord(hart.state, SLOT.mstatus, word(hart.state, SLOT.mstatus) | STATUS.FS);
  return false;
}

/** Modes 0 (bare), 8 (Sv39) and 9 (Sv48); any other leaves satp as it was. No ASID bits (§12.1.11). */
function writeSatp(hart: Hart, value: bigint): boolean {
  const mode = Number(value >> 60n);
  if (mode !== 0 && mode !== 8 && mode !== 9) return false;
  setWideBig(hart.state, SLOT.satp, value & 0xf000_0fff_ffff_ffffn);
  flushTranslated(hart.state);
  hart.largeFrom = Number.POSITIVE_INFINITY;
  hart.largeTo = Number.NEGATIVE_INFINITY;
  return true;
}

function writePmpConfig(hart: Hart, first: number, value: bigint): boolean {
  for (let i = 0; i < 8; i += 1) {
    const old = pmpConfig(hart.state, first + i);
    if ((old & 0x80) !== 0) continue;
    let config = Number((value >> BigInt(8 * i)) & 0xffn) & 0x9f;
    // W without R is reserved; WARL here: both off.
    if ((config & 3) === 2) config &= ~2;
    const slot = (first === 0 ? SLOT.pmpcfg0 : SLOT.pmpcfg2) + (i & 4);
    const shift = (i & 3) * 8;
    setWord(hart.state, slot, (word(hart.state, slot) & ~(0xff << shift)) | (config << shift));
  }
  return pmpChanged(hart);
}

/** A locked entry, and the address below a locked TOR entry, stay (§3.7.1). */
function writePmpAddress(hart: Hart, entry: number, value: bigint): boolean {
  const next = entry + 1 < PMP_ENTRIES ? pmpConfig(hart.state, entry + 1) : 0;
  const locked = (pmpConfig(hart.state, entry) & 0x80) !== 0 || ((next & 0x80) !== 0 && (next & 0x18) === 0x08);
  if (locked) return false;
  setWideBig(hart.state, SLOT.pmpaddr0 + 8 * entry, value & 0x003f_ffff_ffff_ffffn);
  return pmpChanged(hart);
}

function pmpChanged(hart: Hart): boolean {
  updatePmp(hart);
  flushAll(hart.state);
  return true;
}
