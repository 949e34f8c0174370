import { type Board, giveUartInput, takeUartOutput } from '@cloister/hardware';
import { type PortEnd, type SendEvent, sendOutput, takeInput, tellTaken } from './port-end.ts';

// The serial port is the UART, with the SBI's debug console as another writer and reader of it.

/** The UART's output is taken whole, so only while there is room for all that it can hold. */
const UART_OUTPUT_BYTES_MAX = 64 * 1024;

/** Passes on what the guest wrote to the UART; without room it stays there and the guest sees a busy UART. */
export function takeSerialOutput(serial: PortEnd, board: Board, send: SendEvent): void {
  if (serial.room < UART_OUTPUT_BYTES_MAX) return;
  sendOutput(serial, takeUartOutput(board), send);
}

/** Offers waiting input to the UART. */
export function giveSerialInput(serial: PortEnd, board: Board, send: SendEvent): void {
  const taken = takeInput(serial, (bytes) => giveUartInput(board, bytes));
  tellTaken(serial, taken, send);
}
