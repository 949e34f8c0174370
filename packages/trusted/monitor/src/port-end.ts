import { PORT_DATA_BYTES_MAX, PORT_WINDOW_BYTES, type PortEvent } from '@cloister/protocol';

/** The machine's end of a port, be it the UART or one of the virtio console: both directions have a window. */
export interface PortEnd {
  readonly number: number;
  /** Output bytes that the host has room for. */
  room: number;
  /** Input that the guest has no room for yet. */
  readonly input: Uint8Array[];
  inputBytes: number;
}

export type SendEvent = (event: PortEvent) => void;

export const createPortEnd = (number: number): PortEnd => ({
  number,
  room: PORT_WINDOW_BYTES,
  input: [],
  inputBytes: 0,
});

/** Sends output to the host; the caller has seen that there is room. */
export function sendOutput(port: PortEnd, bytes: Uint8Array, send: SendEvent): void {
  port.room -= bytes.length;
  for (let at = 0; at < bytes.length; at += PORT_DATA_BYTES_MAX)
    send({ kind: 'port.data', port: port.number, bytes: bytes.subarray(at, at + PORT_DATA_BYTES_MAX) });
}

export function giveRoom(port: PortEnd, count: number): void {
  port.room = Math.min(port.room + count, PORT_WINDOW_BYTES);
}

/** Keeps input until it is taken; false for what is beyond the window, which is dropped. */
export function keepInput(port: PortEnd, bytes: Uint8Array): boolean {
  if (port.inputBytes + bytes.length > PORT_WINDOW_BYTES) return false;
  if (bytes.length > 0) port.input.push(bytes);
  port.inputBytes += bytes.length;
  return true;
}

/** Hands input on, piece by piece, until `take` has taken less than it was given. Returns how much was taken. */
export function takeInput(port: PortEnd, take: (bytes: Uint8Array) => number): number {
  const before = port.inputBytes;
  for (let piece = port.input[0]; piece !== undefined; piece = port.input[0]) {
    const count = take(piece);
    port.inputBytes -= count;
    if (count < piece.length) {
      port.input[0] = piece.subarray(count);
      break;
    }
    port.input.shift();
  }
  return before - port.inputBytes;
}

/** The host may send as much again. */
export function tellTaken(port: PortEnd, count: number, send: SendEvent): void {
  if (count > 0) send({ kind: 'port.taken', port: port.number, count });
}
