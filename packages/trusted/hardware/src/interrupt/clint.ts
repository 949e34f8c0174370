import type { Board } from '../board.ts';
import { BOARD, HARTS_MAX } from '../layout.ts';

/**
 * ACLINT: machine software interrupts and the machine timer's compare registers, laid out as SiFive's CLINT (ACLINT
 * §2-§3). Registers lie in the board: msip word and mtimecmp (two words) for each hart.
 */
const at = (hart: number): number => ((BOARD.registers + 0x1000) >> 2) + hart * 4;
const MSIP_END = 4 * HARTS_MAX;
const COMPARE = 0x4000;
const TIME = 0xbff8;

export function resetClint(board: Board, hart: number): void {
  board.words[at(hart)] = 0;
  board.words[at(hart) + 1] = -1;
  board.words[at(hart) + 2] = -1;
}

export function clintRegisters(board: Board, hart: number): { software: boolean; compare: number } {
  const { words } = board;
  return {
    software: Atomics.load(words, at(hart)) !== 0,
    compare: (words[at(hart) + 2]! >>> 0) * 2 ** 32 + (words[at(hart) + 1]! >>> 0),
  };
}

function setSoftwareInterrupt(board: Board, hart: number, on: boolean): void {
  Atomics.store(board.words, at(hart), on ? 1 : 0);
}

/** A 32-bit read at `offset`. */
export function clintRead(board: Board, offset: number, ticks: number): number {
  if (offset < MSIP_END) return Atomics.load(board.words, at(offset >> 2));
  if (offset >= COMPARE && offset < COMPARE + 8 * HARTS_MAX)
    return board.words[at((offset - COMPARE) >> 3) + 1 + ((offset >> 2) & 1)]!;
  if (offset === TIME) return ticks | 0;
  if (offset === TIME + 4) return Math.floor(ticks / 2 ** 32);
  return 0;
}

export function clintWrite(board: Board, offset: number, value: number): void {
  if (offset < MSIP_END) setSoftwareInterrupt(board, offset >> 2, (value & 1) !== 0);
  else if (offset >= COMPARE && offset < COMPARE + 8 * HARTS_MAX)
    board.words[at((offset - COMPARE) >> 3) + 1 + ((offset >> 2) & 1)] = value;
}
