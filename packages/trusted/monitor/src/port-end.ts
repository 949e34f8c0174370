import { PORT_DATA_BYTES_MAX, PORT_WINDOW_BYTES, type PortEvent } from '@cloister/protocol';

/** The machine's end of a port, be it the UART or one of the virtio console: both directions have a window. */
export const createPortEnd = (number: number) => ({
  number,
  /** Output bytes that the host has room for. */
  room: PORT_WINDOW_BYTES as number,
  /** Input that the guest has no room for yet. */
  input: [] as Uint8Array[],
  inputBytes: 0,
});
export type PortEnd = ReturnType<typeof createPortEnd>;

export type SendEvent = (event: PortEvent) => void;

/** Sends output to the host; the caller has seen that there is room. */
export function sendOutput(port: PortEnd, bytes: Uint8Array, send: SendEvent): void {
  port.room -= bytes.length;
  for (let at = 0; at < bytes.length; at += PORT_DATA_BYTES_MAX)
    send({ kind: 'port.data', port: port.number, bytes: bytes.subarray(at, at + PORT_DATA_BYTES_MAX) });
}

/** Keeps what the host says until the guest takes it; false for input beyond the window, which is dropped. */
export function hearHost(port: PortEnd, event: PortEvent): boolean {
  if (event.kind === 'port.taken') port.room = Math.min(port.room + event.count, PORT_WINDOW_BYTES);
  if (event.kind !== 'port.data' || event.bytes.length === 0) return true;
  if (port.inputBytes + event.bytes.length > PORT_WINDOW_BYTES) return false;
  port.input.push(event.bytes);
  port.inputBytes += event.bytes.length;
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
