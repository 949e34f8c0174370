import { busRead, busWrite } from '../device/bus.ts';
import { HART, RAM_OFFSET } from '../layout.ts';
import { MEMORY_MAP } from '../memory-map.ts';
import { FRAME } from '../mmu/frame.ts';
import { PMP_ACCESS, pmpAllows, pmpUniform } from '../mmu/pmp.ts';
import { currentTable, enterData, lookUp, TABLE } from '../mmu/tlb.ts';
import { type Access, walk } from '../mmu/walk.ts';
import { CAUSE } from './causes.ts';
import { dataPrivilege, type Hart, sumSet } from './hart.ts';
import { RESULT } from './slow-path.ts';
import { privilege, settlePc, setWide, setWord, word } from './state.ts';
import { raise } from './trap.ts';

const RAM_FIRST_PAGE = MEMORY_MAP.ram.base / 4096;
const PAGE_FAULT = { load: CAUSE.loadPage, store: CAUSE.storePage, fetch: CAUSE.fetchPage } as const;
const ACCESS_FAULT = { load: CAUSE.loadAccess, store: CAUSE.storeAccess, fetch: CAUSE.fetchAccess } as const;
const PMP_RIGHT = { load: PMP_ACCESS.read, store: PMP_ACCESS.write, fetch: PMP_ACCESS.execute } as const;

/** What `translate` and `frameOf` say beside exceptions and frames: a frame is absent, and is now `hart.absent`. */
export const ABSENT = -2;

/** Translates for the current context; 0, an exception's code or `ABSENT`. The page lies in `hart.translation`. */
export function translate(hart: Hart, low: number, high: number, access: Access): number {
  const level = access === 'fetch' ? privilege(hart.state) : dataPrivilege(hart);
  const { translation } = hart;
  walk(
    hart.state,
    low,
    high,
    access,
    level,
    sumSet(hart),
    hart.ramOpen ? undefined : hart.regions,
    hart.ramBytes,
    translation,
  );
  if (translation.outcome === 'page-fault') return PAGE_FAULT[access];
  if (translation.outcome === 'access-fault') return ACCESS_FAULT[access];
  return translation.outcome === 'absent' ? absent(hart, translation.page) : 0;
}

function absent(hart: Hart, page: number): number {
  hart.absent = page;
  return ABSENT;
}

/** The one place that gives a hart a frame of RAM, for a guest physical page; -1 where there is no RAM, or `ABSENT`. */
export function frameOf(hart: Hart, page: number): number {
  const frame = page - RAM_FIRST_PAGE;
  if (!(frame >= 0 && frame < hart.ramBytes / 4096)) return -1;
  return (hart.frames[frame]! & FRAME.absent) === 0 ? frame : absent(hart, page);
}

/** The instruction under execution failed with what `translate` returned: a trap, or it runs again once the frame is there. */
function refuse(hart: Hart, code: number, low: number, high: number): number {
  return code === ABSENT ? leaveAtInstruction(hart, false) : raise(hart, code, low, high);
}

/** PMP for the bytes of one access within one page; 0, or the exception's code. */
export function checkPmp(hart: Hart, address: number, bytes: number, access: Access): number {
  const level = access === 'fetch' ? privilege(hart.state) : dataPrivilege(hart);
  return pmpAllows(hart.regions, address, bytes, PMP_RIGHT[access], level) ? 0 : ACCESS_FAULT[access];
}

/** Remembers that a page came from a large leaf, so that a fence of any of its pages drops all of them. */
export function noteLarge(hart: Hart, low: number, high: number): void {
  if (!hart.translation.large) return;
  const page = high * 2 ** 32 + (low >>> 0);
  hart.largeFrom = Math.min(hart.largeFrom, page - (page % 2 ** 30));
  hart.largeTo = Math.max(hart.largeTo, page - (page % 2 ** 30) + 2 ** 30);
}

/**
 * The one place that gives a hart access to a frame of guest RAM for stores. It marks the frame dirty, and the
 * predecoded form of code in it stale until the next fence.i.
 */
function openForStore(hart: Hart, frame: number): void {
  const flags = hart.frames[frame]!;
  const next = FRAME.dirty | ((flags & FRAME.code) !== 0 ? FRAME.stale : 0);
  if ((flags & next) !== next) Atomics.or(hart.frames, frame, next);
}

/** A data access within one page that missed the TLB. */
function access(hart: Hart, low: number, high: number, bytes: number, kind: 'load' | 'store'): number {
  const fault = translate(hart, low, high, kind);
  if (fault !== 0) return refuse(hart, fault, low, high);
  const { page } = hart.translation;
  const address = page * 4096 + (low & 0xfff);
  const denied = checkPmp(hart, address, bytes, kind);
  if (denied !== 0) return raise(hart, denied, low, high);
  const frame = frameOf(hart, page);
  if (frame === ABSENT) return leaveAtInstruction(hart, false);
  if (frame >= 0) {
    if (kind === 'store') openForStore(hart, frame);
    if (pmpUniform(hart.regions, page * 4096) && !watched(hart, frame)) {
      noteLarge(hart, low, high);
      enterData(hart.state, currentTable(hart.state, kind === 'load' ? TABLE.read : TABLE.write), low, high, frame);
      return RESULT.retry;
    }
    copy(hart, RAM_OFFSET + frame * 4096 + (low & 0xfff), bytes, kind);
    if (kind === 'store' && address === hart.watchAt) hart.watch!(watchedValue(hart));
    return RESULT.done;
  }
  // Devices take aligned accesses alone.
  if ((address & (bytes - 1)) !== 0)
    return raise(hart, kind === 'load' ? CAUSE.loadMisaligned : CAUSE.storeMisaligned, low, high);
  return device(hart, address, low, high, bytes, kind);
}

function watched(hart: Hart, frame: number): boolean {
  return hart.watch !== undefined && frame === Math.floor(hart.watchAt / 4096) - RAM_FIRST_PAGE;
}

function watchedValue(hart: Hart): bigint {
  const at = RAM_OFFSET + hart.watchAt - MEMORY_MAP.ram.base;
  return new DataView(hart.state.bytes.buffer, at, 8).getBigUint64(0, true);
}

function device(hart: Hart, address: number, low: number, high: number, bytes: number, kind: 'load' | 'store'): number {
  const { bus, state } = hart;
  const outcome =
    kind === 'load'
      ? busRead(bus, address, bytes)
      : busWrite(bus, address, bytes, word(state, HART.slowValue), word(state, HART.slowValue + 4));
  switch (outcome) {
    case 'ok':
      if (kind === 'load') setWide(state, HART.slowValue, bus.valueLow, bus.valueHigh);
      return RESULT.done;
    case 'fault':
      return raise(hart, ACCESS_FAULT[kind], low, high);
    default:
      // The instruction has not run: leave with its own address, and run it again later, or never.
      return leaveAtInstruction(hart, outcome === 'stop');
  }
}

/** Returns to the hart's outer loop with pc at the instruction under execution. */
export function leaveAtInstruction(hart: Hart, ended: boolean): number {
  settlePc(hart.state);
  setWord(hart.state, HART.leave, 1);
  if (ended) hart.ended = true;
  return RESULT.reload;
}

function copy(hart: Hart, host: number, bytes: number, kind: 'load' | 'store'): void {
  const { bytes: memory, base } = hart.state;
  const value = base + HART.slowValue;
  if (kind === 'load') memory.copyWithin(value, host, host + bytes);
  else memory.copyWithin(host, value, value + bytes);
}

/** A data access that crosses a page: both pages are checked before a byte moves. */
function crossing(hart: Hart, low: number, high: number, bytes: number, kind: 'load' | 'store'): number {
  const { state } = hart;
  const first = 4096 - (low & 0xfff);
  const nextLow = ((low & ~0xfff) + 4096) | 0;
  const nextHigh = nextLow === 0 ? (high + 1) | 0 : high;
  const parts = [
    [low, high, first, 0],
    [nextLow, nextHigh, bytes - first, first],
  ] as const;
  const hosts: number[] = [];
  for (const [partLow, partHigh, count] of parts) {
    const fault = translate(hart, partLow, partHigh, kind);
    if (fault !== 0) return refuse(hart, fault, partLow, partHigh);
    const { page } = hart.translation;
    const denied = checkPmp(hart, page * 4096 + (partLow & 0xfff), count, kind);
    if (denied !== 0) return raise(hart, denied, partLow, partHigh);
    const frame = frameOf(hart, page);
    if (frame < 0) return refuse(hart, frame === ABSENT ? ABSENT : ACCESS_FAULT[kind], partLow, partHigh);
    if (kind === 'store') openForStore(hart, frame);
    hosts.push(RAM_OFFSET + frame * 4096 + (partLow & 0xfff));
  }
  parts.forEach(([, , count, from], index) => {
    const value = state.base + HART.slowValue + from;
    const host = hosts[index]!;
    if (kind === 'load') state.bytes.copyWithin(value, host, host + count);
    else state.bytes.copyWithin(host, value, value + count);
  });
  return RESULT.done;
}

export function loadSlow(hart: Hart, low: number, high: number, bytes: number): number {
  return (low & 0xfff) + bytes > 4096
    ? crossing(hart, low, high, bytes, 'load')
    : access(hart, low, high, bytes, 'load');
}

export function storeSlow(hart: Hart, low: number, high: number, bytes: number): number {
  return (low & 0xfff) + bytes > 4096
    ? crossing(hart, low, high, bytes, 'store')
    : access(hart, low, high, bytes, 'store');
}

/** AMOs and SC need write access, LR read access; RAM alone is atomic, and only when aligned (Zaamo, Zalrsc). */
export function atomicSlow(hart: Hart, low: number, high: number, bytes: number, write: number): number {
  const kind = write !== 0 ? 'store' : 'load';
  if ((low & (bytes - 1)) !== 0)
    return raise(hart, kind === 'store' ? CAUSE.storeMisaligned : CAUSE.loadMisaligned, low, high);
  const fault = translate(hart, low, high, kind);
  if (fault !== 0) return refuse(hart, fault, low, high);
  const { page } = hart.translation;
  const denied = checkPmp(hart, page * 4096 + (low & 0xfff), bytes, kind);
  if (denied !== 0) return raise(hart, denied, low, high);
  const frame = frameOf(hart, page);
  if (frame < 0) return refuse(hart, frame === ABSENT ? ABSENT : ACCESS_FAULT[kind], low, high);
  if (kind === 'store') openForStore(hart, frame);
  // Where PMP splits the page the entry would open all of it to the interpreter: such atomics fault instead (CAVEATS).
  if (!pmpUniform(hart.regions, page * 4096)) return raise(hart, ACCESS_FAULT[kind], low, high);
  noteLarge(hart, low, high);
  enterData(hart.state, currentTable(hart.state, kind === 'load' ? TABLE.read : TABLE.write), low, high, frame);
  return RESULT.retry;
}

/** cbo.zero: a block of 64 bytes that lies in one page (CMO §2.3). Kernels clear whole pages with it: the TLB serves it. */
export function zeroBlock(hart: Hart, low: number, high: number): number {
  const { state } = hart;
  const known = lookUp(state, currentTable(state, TABLE.write), low, high);
  if (known >= 0) return clearBlock(hart, known, low);
  const fault = translate(hart, low, high, 'store');
  if (fault !== 0) return refuse(hart, fault, low, high);
  const { page } = hart.translation;
  const denied = checkPmp(hart, page * 4096 + (low & 0xfc0), 64, 'store');
  if (denied !== 0) return raise(hart, denied, low, high);
  const frame = frameOf(hart, page);
  if (frame < 0) return refuse(hart, frame === ABSENT ? ABSENT : CAUSE.storeAccess, low, high);
  openForStore(hart, frame);
  if (pmpUniform(hart.regions, page * 4096) && !watched(hart, frame)) {
    noteLarge(hart, low, high);
    enterData(state, currentTable(state, TABLE.write), low, high, frame);
  }
  return clearBlock(hart, frame, low);
}

function clearBlock(hart: Hart, frame: number, low: number): number {
  const host = RAM_OFFSET + frame * 4096 + (low & 0xfc0);
  hart.state.bytes.fill(0, host, host + 64);
  return RESULT.next;
}

/** cbo.clean, flush and inval: no caches here, but the access is checked like a load or store (CMO §2.4). */
export function checkBlock(hart: Hart, low: number, high: number): number {
  const level = dataPrivilege(hart);
  const notLoaded = translate(hart, low, high, 'load');
  if (notLoaded !== 0) {
    const fault = notLoaded === ABSENT ? ABSENT : translate(hart, low, high, 'store');
    if (fault !== 0) return refuse(hart, fault, low, high);
  }
  const { page } = hart.translation;
  const address = page * 4096 + (low & 0xfc0);
  const allowed =
    pmpAllows(hart.regions, address, 64, PMP_ACCESS.read, level) ||
    pmpAllows(hart.regions, address, 64, PMP_ACCESS.write, level);
  const frame = allowed ? frameOf(hart, page) : -1;
  if (frame === ABSENT) return leaveAtInstruction(hart, false);
  return frame >= 0 ? RESULT.next : raise(hart, CAUSE.storeAccess, low, high);
}
