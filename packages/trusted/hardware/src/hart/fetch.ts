import { decode } from '../isa/decode.ts';
import { DECODE, HART, RAM_OFFSET } from '../layout.ts';
import { FRAME } from '../mmu/frame.ts';
import { pmpUniform } from '../mmu/pmp.ts';
import { currentTable, enterFetch, flushFetch, flushFrame, TABLE } from '../mmu/tlb.ts';
import { CAUSE } from './causes.ts';
import { OPERATION } from './handlers.ts';
import { frameSlotWord, type Hart } from './hart.ts';
import { ABSENT, checkPmp, frameOf, noteLarge, translate } from './memory-access.ts';
import { encodeRecord } from './record.ts';
import { RESULT } from './slow-path.ts';
import { settlePc, setWord, word } from './state.ts';
import { takeTrap } from './trap.ts';

const slotAt = (hart: Hart, slot: number): number =>
  DECODE.base + hart.state.index * DECODE.stride + slot * DECODE.slotBytes;

/** The predecoded form of a frame, made empty if there is none. */
function recordsOf(hart: Hart, frame: number): number {
  const { state } = hart;
  const at = frameSlotWord(hart, frame);
  const known = state.words[at]!;
  if (known !== 0) return slotAt(hart, known - 1);
  if (hart.slotsUsed === DECODE.slots) dropAll(hart);
  const slot = hart.slotsUsed++;
  hart.slotFrames[slot] = frame;
  state.words[at] = slot + 1;
  const records = slotAt(hart, slot);
  state.bytes.fill(0, records, records + 2048 * DECODE.recordBytes);
  state.words[(records + 2048 * DECODE.recordBytes) >>> 2] = OPERATION.pageEnd;
  // From now on a store to the frame must pass the slow path once, which marks it stale.
  Atomics.and(hart.frames, frame, ~FRAME.stale);
  Atomics.or(hart.frames, frame, FRAME.code);
  flushFrame(state, TABLE.write, frame);
  return records;
}

/** Empties the decode cache. */
function dropAll(hart: Hart): void {
  for (let slot = 0; slot < hart.slotsUsed; slot += 1) forget(hart, slot);
  hart.slotsUsed = 0;
  flushFetch(hart.state);
}

function forget(hart: Hart, slot: number): void {
  const frame = hart.slotFrames[slot]!;
  hart.state.words[frameSlotWord(hart, frame)] = 0;
  Atomics.and(hart.frames, frame, ~(FRAME.code | FRAME.stale));
}

/**
 * fence.i: frames that were stored to since they were decoded are decoded anew. The slots stay where they are, and so
 * do fetch-TLB entries; only their records are emptied.
 */
export function fenceInstructions(hart: Hart): void {
  const { state } = hart;
  for (let slot = 0; slot < hart.slotsUsed; slot += 1) {
    const frame = hart.slotFrames[slot]!;
    if ((hart.frames[frame]! & FRAME.stale) === 0) continue;
    const records = slotAt(hart, slot);
    state.bytes.fill(0, records, records + 2048 * DECODE.recordBytes);
    Atomics.and(hart.frames, frame, ~FRAME.stale);
    flushFrame(state, TABLE.write, frame);
  }
}

/** The fetch TLB has no entry for HART.pc's page. */
export function fetchMiss(hart: Hart): number {
  const { state } = hart;
  const low = word(state, HART.pc);
  const high = word(state, HART.pc + 4);
  const frame = fetchFrame(hart, low, high);
  if (frame < 0) return refuseFetch(hart, frame, low, high);
  noteLarge(hart, low, high);
  enterFetch(state, currentTable(state, TABLE.fetch), low, high, recordsOf(hart, frame), frame);
  return RESULT.retry;
}

/** What `fetchFrame` failed with, HART.pc being true: a trap, or the fetch is done again once the frame is there. */
function refuseFetch(hart: Hart, failed: number, low: number, high: number): number {
  if (failed === ABSENT) setWord(hart.state, HART.leave, 1);
  else takeTrap(hart, -failed, false, low, high);
  return RESULT.reload;
}

/** Frame to fetch from, or `ABSENT`, or minus the exception's code (which is neither 0 nor 2). */
function fetchFrame(hart: Hart, low: number, high: number): number {
  const fault = translate(hart, low, high, 'fetch');
  if (fault !== 0) return fault === ABSENT ? ABSENT : -fault;
  const { page } = hart.translation;
  if (checkPmp(hart, page * 4096 + (low & 0xfff), 2, 'fetch') !== 0) return -CAUSE.fetchAccess;
  // Code in a page that PMP splits cannot be kept as predecoded (CAVEATS).
  if (!pmpUniform(hart.regions, page * 4096)) return -CAUSE.fetchAccess;
  const frame = frameOf(hart, page);
  return frame === -1 ? -CAUSE.fetchAccess : frame;
}

/** Fills the record at HART.ip from the bytes of its frame. */
export function decodeHere(hart: Hart): void {
  const { state } = hart;
  const ip = word(state, HART.ip);
  const slot = Math.floor((ip - slotAt(hart, 0)) / DECODE.slotBytes);
  const offset = (ip - slotAt(hart, slot)) >>> 2;
  const host = RAM_OFFSET + hart.slotFrames[slot]! * 4096 + offset;
  const low = halfword(hart, host);
  const at = ip >>> 2;
  if ((low & 3) === 3 && offset === 4094) {
    state.words[at] = OPERATION.straddle;
    state.words[at + 1] = 0;
    return;
  }
  const bits = (low & 3) === 3 ? low | (halfword(hart, host + 2) << 16) : low;
  const [first, second] = encodeRecord(decode(bits), offset);
  state.words[at + 1] = second;
  state.words[at] = first;
}

function halfword(hart: Hart, host: number): number {
  return hart.state.bytes[host]! | (hart.state.bytes[host + 1]! << 8);
}

/** Decodes the instruction whose halves lie in two pages; the second page may fault, at its own address. */
export function straddle(hart: Hart): number {
  const { state } = hart;
  settlePc(state);
  const low = word(state, HART.pc);
  const high = word(state, HART.pc + 4);
  const nextLow = (low + 2) | 0;
  const nextHigh = nextLow === 0 ? (high + 1) | 0 : high;
  const first = fetchFrame(hart, low, high);
  const second = first < 0 ? first : fetchFrame(hart, nextLow, nextHigh);
  if (second < 0) return refuseFetch(hart, second, first < 0 ? low : nextLow, first < 0 ? high : nextHigh);
  const bits = halfword(hart, RAM_OFFSET + first * 4096 + 4094) | (halfword(hart, RAM_OFFSET + second * 4096) << 16);
  const [lowWord, highWord] = encodeRecord(decode(bits), undefined);
  const at = (state.base + HART.straddle) >>> 2;
  state.words[at] = lowWord;
  state.words[at + 1] = highWord;
  return RESULT.retry;
}

/** The word of the instruction under execution, for mtval and the CSR number; 0 when it can no longer be read. */
export function instructionBits(hart: Hart): number {
  const { state } = hart;
  settlePc(state);
  const low = word(state, HART.pc);
  const high = word(state, HART.pc + 4);
  const frame = fetchFrame(hart, low, high);
  if (frame < 0) return 0;
  const first = halfword(hart, RAM_OFFSET + frame * 4096 + (low & 0xfff));
  if ((first & 3) !== 3) return first;
  const nextLow = (low + 2) | 0;
  const second = fetchFrame(hart, nextLow, nextLow === 0 ? (high + 1) | 0 : high);
  return second < 0 ? 0 : first | (halfword(hart, RAM_OFFSET + second * 4096 + (nextLow & 0xfff)) << 16);
}
