import { type Board, giveUartInput, takeUartOutput } from '@cloister/hardware';
import { PORT_DATA_BYTES_MAX, PORT_WINDOW_BYTES, type PortEvent, SERIAL_PORT } from '@cloister/protocol';

/** The serial port: the UART, and the SBI's debug console as another writer and reader of it. */
export interface Serial {
  /** Output bytes that the host has room for. */
  room: number;
  /** Input that the UART has no room for yet. */
  readonly input: Uint8Array[];
  inputBytes: number;
}

type Send = (event: PortEvent) => void;

/** The UART's output is taken whole, so only while there is room for all that it can hold. */
const UART_OUTPUT_BYTES_MAX = 64 * 1024;

export function createSerial(): Serial {
  return { room: PORT_WINDOW_BYTES, input: [], inputBytes: 0 };
}

/** Passes on what the guest wrote to the UART; without room it stays there and the guest sees a busy UART. */
export function takeSerialOutput(serial: Serial, board: Board, send: Send): boolean {
  if (serial.room < UART_OUTPUT_BYTES_MAX) return false;
  const bytes = takeUartOutput(board);
  sendSerial(serial, bytes, send);
  return bytes.length > 0;
}

/** Sends bytes to the host; the caller has seen that there is room. */
export function sendSerial(serial: Serial, bytes: Uint8Array, send: Send): void {
  serial.room -= bytes.length;
  for (let at = 0; at < bytes.length; at += PORT_DATA_BYTES_MAX) {
    send({ kind: 'port.data', port: SERIAL_PORT, bytes: bytes.subarray(at, at + PORT_DATA_BYTES_MAX) });
  }
}

/** A message from the slice for the serial port. What it sends beyond its window is dropped. */
export function serialMessage(serial: Serial, message: PortEvent): void {
  if (message.kind === 'port.taken') serial.room = Math.min(serial.room + message.count, PORT_WINDOW_BYTES);
  else if (message.kind === 'port.data' && message.bytes.length > 0) {
    if (serial.inputBytes + message.bytes.length > PORT_WINDOW_BYTES) return;
    serial.input.push(message.bytes);
    serial.inputBytes += message.bytes.length;
  }
}

/** Offers waiting input to the UART. */
export function giveSerialInput(serial: Serial, board: Board, send: Send): void {
  for (let next = serial.input[0]; next !== undefined; next = serial.input[0]) {
    const count = giveUartInput(board, next);
    takeInput(serial, count, send);
    if (count < next.length) return;
  }
}

/** At most `limit` bytes of waiting input, for the debug console. */
export function readSerialInput(serial: Serial, limit: number, send: Send): Uint8Array {
  const bytes = serial.input[0]?.subarray(0, limit) ?? new Uint8Array(0);
  takeInput(serial, bytes.length, send);
  return bytes;
}

function takeInput(serial: Serial, count: number, send: Send): void {
  if (count === 0) return;
  const first = serial.input[0]!;
  if (count === first.length) serial.input.shift();
  else serial.input[0] = first.subarray(count);
  serial.inputBytes -= count;
  send({ kind: 'port.taken', port: SERIAL_PORT, count });
}
