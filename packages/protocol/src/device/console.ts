import type { MessageOf } from '../message.ts';

/** Port 0 is `hvc0`, 1 and up are the named ports; the UART is a port of its own. */
export const SERIAL_PORT = 0xffff;

/** Named ports that one VM may have. */
export const PORTS_MAX = 15;

/** Bytes of one `port.data`. */
export const PORT_DATA_BYTES_MAX = 32 * 1024;

/** Bytes of a port that may be under way in one direction before the far end has said `port.taken`. */
export const PORT_WINDOW_BYTES = 256 * 1024;

/**
 * What passes between a guest's port and the host's end of it. The same messages go in both directions and on both
 * channels of their way (machine and slice, slice and client). `position` counts what a direction has carried since the
 * machine was made, a byte of data as one and an open or close as one, so that the ends lose and double nothing when
 * what lies between them is replaced (`port-stream.ts`).
 */
export const PORT_MESSAGES = {
  'port.data': { code: 0x50, fields: { port: 'u16', position: 'size', bytes: 'bytes' } },
  /** The far end has taken everything before `position`. */
  'port.taken': { code: 0x51, fields: { port: 'u16', position: 'size' } },
  /** Towards the host: the guest opened or closed the port. Towards the guest: false is the end of the input. */
  'port.open': { code: 0x52, fields: { port: 'u16', position: 'size', open: 'bool' } },
} as const;

export type PortMessage = MessageOf<typeof PORT_MESSAGES>;

/** What an end does, or learns of the other end's doing: `PortMessage` without its place in the stream. */
export type PortEvent =
  | { readonly kind: 'port.data'; readonly port: number; readonly bytes: Uint8Array }
  /** That many bytes of data were taken. */
  | { readonly kind: 'port.taken'; readonly port: number; readonly count: number }
  | { readonly kind: 'port.open'; readonly port: number; readonly open: boolean };

/** The terminal's size, for port 0; towards the guest alone. */
export const PORT_RESIZE = {
  'port.resize': { code: 0x53, fields: { columns: 'u16', rows: 'u16' } },
} as const;
