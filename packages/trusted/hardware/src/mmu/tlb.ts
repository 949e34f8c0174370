import { type HartState, hartState, setWord, word } from '../hart/state.ts';
import { HART, RAM_OFFSET, TLB } from '../layout.ts';

/** Translation contexts: a set of TLB tables for each way in which an address can be translated. */
export const CONTEXT = { user: 0, supervisor: 1, supervisorSum: 2, machine: 3 } as const;
/** The tables of a context. */
export const TABLE = { read: 0, write: 1, fetch: 2 } as const;

export function tableAt(state: HartState, context: number, table: number): number {
  return state.base + HART.tlb + context * TLB.contextBytes + table * TLB.tableBytes;
}

function entryAt(table: number, addressLow: number): number {
  return (table + ((addressLow >>> 8) & ((TLB.entries - 1) * TLB.entryBytes))) >>> 2;
}

/** Enters a page of RAM: host offset = low half of the virtual address + addend. */
export function enterData(state: HartState, table: number, low: number, high: number, frame: number): void {
  const at = entryAt(table, low);
  const page = low & ~0xfff;
  state.words[at] = page;
  state.words[at + 1] = high;
  state.words[at + 2] = (RAM_OFFSET + frame * 4096 - page) | 0;
  state.words[at + 3] = frame;
}

/** The frame that a table has for a page, or -1. */
export function lookUp(state: HartState, table: number, low: number, high: number): number {
  const at = entryAt(table, low);
  return state.words[at] === (low & ~0xfff) && state.words[at + 1] === high ? state.words[at + 3]! : -1;
}

/** Enters a page of code: `records` is where its predecoded form lies. */
export function enterFetch(
  state: HartState,
  table: number,
  low: number,
  high: number,
  records: number,
  frame: number,
): void {
  const at = entryAt(table, low);
  state.words[at] = low & ~0xfff;
  state.words[at + 1] = high;
  state.words[at + 2] = records;
  state.words[at + 3] = frame;
}

/** Drops every translation of one context. */
function flushContext(state: HartState, context: number): void {
  const from = tableAt(state, context, 0);
  state.bytes.fill(0xff, from, from + TLB.contextBytes);
}

export function flushAll(state: HartState): void {
  for (let context = 0; context < TLB.contexts; context += 1) flushContext(state, context);
}

/** `flushAll` for a hart that waits in an exit, from the monitor's thread. */
export function flushHart(memory: SharedArrayBuffer, hart: number): void {
  flushAll(hartState(memory, hart));
}

/** Drops what satp translates: all contexts but the machine's. */
export function flushTranslated(state: HartState): void {
  flushContext(state, CONTEXT.user);
  flushContext(state, CONTEXT.supervisor);
  flushContext(state, CONTEXT.supervisorSum);
}

/** Drops one page's translations, as filled from a page table's last level. */
export function flushPage(state: HartState, low: number, high: number): void {
  for (let context = 0; context < CONTEXT.machine; context += 1)
    for (let table = 0; table < 3; table += 1) {
      const at = entryAt(tableAt(state, context, table), low);
      if (state.words[at] === (low & ~0xfff) && state.words[at + 1] === high) state.words.fill(-1, at, at + 4);
    }
}

/** Drops every entry of one table kind that points to a frame: before its bytes become code, say. */
export function flushFrame(state: HartState, table: number, frame: number): void {
  for (let context = 0; context < TLB.contexts; context += 1) {
    const from = tableAt(state, context, table) >>> 2;
    for (let at = from; at < from + TLB.entries * 4; at += 4)
      if (state.words[at + 3] === frame) state.words.fill(-1, at, at + 4);
  }
}

/** Drops all fetch entries: the decode cache was emptied. */
export function flushFetch(state: HartState): void {
  for (let context = 0; context < TLB.contexts; context += 1) {
    const from = tableAt(state, context, TABLE.fetch);
    state.bytes.fill(0xff, from, from + TLB.tableBytes);
  }
}

/** Points the interpreter at the tables of its contexts. */
export function selectContexts(state: HartState, data: number, fetch: number): void {
  setWord(state, HART.readTlb, tableAt(state, data, TABLE.read));
  setWord(state, HART.writeTlb, tableAt(state, data, TABLE.write));
  setWord(state, HART.fetchTlb, tableAt(state, fetch, TABLE.fetch));
}

export function currentTable(state: HartState, table: number): number {
  return word(state, table === TABLE.read ? HART.readTlb : table === TABLE.write ? HART.writeTlb : HART.fetchTlb);
}
