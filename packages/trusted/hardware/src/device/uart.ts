import { type Board, getUart, putUart, setLine, uartInputWaiting } from '../board.ts';
import { BOARD } from '../layout.ts';
import { INTERRUPT_SOURCE } from '../memory-map.ts';

/** ns16550a: registers at offsets 0..7, in the board, a word each; transmitting takes no time. */
const REGISTER = { ier: 0, fcr: 1, lcr: 2, mcr: 3, scr: 4, dll: 5, dlm: 6, threPending: 7 } as const;
const AT = (BOARD.registers + 0x2000) >> 2;
const LCR_DLAB = 0x80;
const IER_RECEIVED = 1;
const IER_TRANSMIT_EMPTY = 2;
const LSR_DATA_READY = 1;
const LSR_TRANSMIT_EMPTY = 0x60;

/** Raises or lowers the line after anything changed. */
export function updateUart(board: Board): void {
  setLine(board, INTERRUPT_SOURCE.uart, (identification(board) & 1) === 0);
}

/** IIR: bit 0 clear means an interrupt is pending; received data comes before an empty transmitter. */
function identification(board: Board): number {
  const { words } = board;
  const fifo = (words[AT + REGISTER.fcr]! & 1) !== 0 ? 0xc0 : 0;
  const enabled = words[AT + REGISTER.ier]!;
  if ((enabled & IER_RECEIVED) !== 0 && uartInputWaiting(board)) return fifo | 4;
  if ((enabled & IER_TRANSMIT_EMPTY) !== 0 && words[AT + REGISTER.threPending] === 1) return fifo | 2;
  return fifo | 1;
}

export function uartRead(board: Board, offset: number): number {
  const { words } = board;
  const divisor = (words[AT + REGISTER.lcr]! & LCR_DLAB) !== 0;
  switch (offset & 7) {
    case 0: {
      if (divisor) return words[AT + REGISTER.dll]!;
      const byte = getUart(board);
      updateUart(board);
      return byte;
    }
    case 1:
      return words[AT + (divisor ? REGISTER.dlm : REGISTER.ier)]!;
    case 2: {
      const value = identification(board);
      if ((value & 0xf) === 2) {
        words[AT + REGISTER.threPending] = 0;
        updateUart(board);
      }
      return value;
    }
    case 3:
      return words[AT + REGISTER.lcr]!;
    case 4:
      return words[AT + REGISTER.mcr]!;
    case 5:
      return LSR_TRANSMIT_EMPTY | (uartInputWaiting(board) ? LSR_DATA_READY : 0);
    case 6:
      // Carrier, data set ready, clear to send: a terminal is there.
      return 0xb0;
    default:
      return words[AT + REGISTER.scr]!;
  }
}

/** Returns false when the output ring is full and the guest must try the store again. */
export function uartWrite(board: Board, offset: number, value: number): boolean {
  const { words } = board;
  const byte = value & 0xff;
  const divisor = (words[AT + REGISTER.lcr]! & LCR_DLAB) !== 0;
  switch (offset & 7) {
    case 0:
      if (divisor) words[AT + REGISTER.dll] = byte;
      else {
        if (!putUart(board, byte)) return false;
        words[AT + REGISTER.threPending] = 1;
      }
      break;
    case 1:
      if (divisor) words[AT + REGISTER.dlm] = byte;
      else {
        // Enabling the interrupt of an empty transmitter raises it at once.
        if ((byte & ~words[AT + REGISTER.ier]! & IER_TRANSMIT_EMPTY) !== 0) words[AT + REGISTER.threPending] = 1;
        words[AT + REGISTER.ier] = byte & 0xf;
      }
      break;
    case 2:
      words[AT + REGISTER.fcr] = byte;
      break;
    case 3:
      words[AT + REGISTER.lcr] = byte;
      break;
    case 4:
      words[AT + REGISTER.mcr] = byte;
      break;
    case 7:
      words[AT + REGISTER.scr] = byte;
      break;
    default:
      break;
  }
  updateUart(board);
  return true;
}
