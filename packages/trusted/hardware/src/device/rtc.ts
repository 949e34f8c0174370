import { type Board, setLine } from '../board.ts';
import { BOARD } from '../layout.ts';
import { INTERRUPT_SOURCE } from '../memory-map.ts';
import type { Outside } from '../outside.ts';

/** Goldfish real-time clock: nanoseconds since 1970 in two words, read low first. Its alarm is stored but never fires (CAVEATS). */
const AT = (BOARD.registers + 0x3000) >> 2;
const REGISTER = { timeHigh: 0, alarmLow: 1, alarmHigh: 2, irqEnabled: 3, offsetLow: 4, offsetHigh: 5 } as const;

export function rtcRead(board: Board, outside: Outside, offset: number): number {
  const { words } = board;
  switch (offset) {
    case 0x00: {
      const now = outside.wallNanoseconds() + offsetOf(words);
      words[AT + REGISTER.timeHigh] = Number(BigInt.asIntN(32, now >> 32n));
      return Number(BigInt.asIntN(32, now));
    }
    case 0x04:
      return words[AT + REGISTER.timeHigh]!;
    case 0x08:
      return words[AT + REGISTER.alarmLow]!;
    case 0x0c:
      return words[AT + REGISTER.alarmHigh]!;
    case 0x10:
      return words[AT + REGISTER.irqEnabled]!;
    default:
      return 0;
  }
}

function offsetOf(words: Int32Array): bigint {
  return (BigInt(words[AT + REGISTER.offsetHigh]!) << 32n) | BigInt(words[AT + REGISTER.offsetLow]! >>> 0);
}

export function rtcWrite(board: Board, outside: Outside, offset: number, value: number): void {
  const { words } = board;
  switch (offset) {
    case 0x00: {
      // The guest sets the clock: high word first, then low.
      const wanted = (BigInt(words[AT + REGISTER.timeHigh]! >>> 0) << 32n) | BigInt(value >>> 0);
      const shift = wanted - outside.wallNanoseconds();
      words[AT + REGISTER.offsetLow] = Number(BigInt.asIntN(32, shift));
      words[AT + REGISTER.offsetHigh] = Number(BigInt.asIntN(32, shift >> 32n));
      return;
    }
    case 0x04:
      words[AT + REGISTER.timeHigh] = value;
      return;
    case 0x08:
      words[AT + REGISTER.alarmLow] = value;
      return;
    case 0x0c:
      words[AT + REGISTER.alarmHigh] = value;
      return;
    case 0x10:
      words[AT + REGISTER.irqEnabled] = value & 1;
      return;
    case 0x1c:
      setLine(board, INTERRUPT_SOURCE.rtc, false);
      return;
    default:
      return;
  }
}
