import type { Board } from '../board.ts';
import { BOARD, HARTS_MAX } from '../layout.ts';

/**
 * Platform-level interrupt controller (PLIC 1.0): 31 level-triggered sources; context 2h is hart h's M-mode, 2h+1 its
 * S-mode. Registers lie in the board: priorities, the sources in service, and {enable, threshold} for each context.
 */
const PRIORITY = BOARD.interruptController >> 2;
const IN_SERVICE = PRIORITY + 32;
const context = (index: number): number => PRIORITY + 64 + index * 4;
const CONTEXTS = 2 * HARTS_MAX;
const SOURCES = 32;
const PRIORITY_MAX = 7;

/** Sources that ask for service: their line is high and no context is handling them. */
function pending(board: Board, lines: number): number {
  return lines & ~Atomics.load(board.words, IN_SERVICE) & ~1;
}

/** The source that a context would claim, or 0. */
function best(board: Board, index: number, lines: number): number {
  const { words } = board;
  const candidates = pending(board, lines) & words[context(index)]!;
  if (candidates === 0) return 0;
  let source = 0;
  let highest = words[context(index) + 1]!;
  for (let candidate = 1; candidate < SOURCES; candidate += 1) {
    if (((candidates >>> candidate) & 1) === 1 && words[PRIORITY + candidate]! > highest) {
      highest = words[PRIORITY + candidate]!;
      source = candidate;
    }
  }
  return source;
}

/** Bit 0: the hart's M-mode external interrupt is pending; bit 1: S-mode's. */
export function plicPending(board: Board, hart: number, lines: number): number {
  if (pending(board, lines) === 0) return 0;
  return (best(board, 2 * hart, lines) !== 0 ? 1 : 0) | (best(board, 2 * hart + 1, lines) !== 0 ? 2 : 0);
}

/** A 32-bit read at `offset` (§3, "memory map"). Reading a claim register claims. */
export function plicRead(board: Board, offset: number, lines: number): number {
  const { words } = board;
  if (offset < 4 * SOURCES) return words[PRIORITY + (offset >> 2)]!;
  if (offset === 0x1000) return pending(board, lines);
  if (offset >= 0x2000 && offset < 0x2000 + 0x80 * CONTEXTS)
    return (offset & 0x7f) === 0 ? words[context((offset - 0x2000) >> 7)]! : 0;
  if (offset >= 0x20_0000 && offset < 0x20_0000 + 0x1000 * CONTEXTS) {
    const index = (offset - 0x20_0000) >> 12;
    if ((offset & 0xfff) === 0) return words[context(index) + 1]!;
    if ((offset & 0xfff) === 4) {
      const source = best(board, index, lines);
      if (source !== 0) Atomics.or(words, IN_SERVICE, 1 << source);
      return source;
    }
  }
  return 0;
}

export function plicWrite(board: Board, offset: number, value: number): void {
  const { words } = board;
  if (offset >= 4 && offset < 4 * SOURCES) words[PRIORITY + (offset >> 2)] = value & PRIORITY_MAX;
  else if (offset >= 0x2000 && offset < 0x2000 + 0x80 * CONTEXTS) {
    if ((offset & 0x7f) === 0) words[context((offset - 0x2000) >> 7)] = value & ~1;
  } else if (offset >= 0x20_0000 && offset < 0x20_0000 + 0x1000 * CONTEXTS) {
    const index = (offset - 0x20_0000) >> 12;
    if ((offset & 0xfff) === 0) words[context(index) + 1] = value & PRIORITY_MAX;
    // Completing a source that the context has not enabled is ignored (§9).
    else if ((offset & 0xfff) === 4 && value > 0 && value < SOURCES && ((words[context(index)]! >>> value) & 1) === 1)
      Atomics.and(words, IN_SERVICE, ~(1 << value));
  }
}
