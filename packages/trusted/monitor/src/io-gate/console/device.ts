import { PORT_WINDOW_BYTES } from '@cloister/protocol';
import type { DeviceKind } from '../device-kind.ts';
import type { Chain } from '../split-ring.ts';

/** A virtio console device with many ports (virtio 1.2 §5.3). Port 0 is the console, the others have names. */
export interface ConsoleState {
  readonly ports: readonly PortState[];
  /** Size of port 0's terminal; 0 by 0 while unknown. */
  columns: number;
  rows: number;
  /** The driver has taken the list of ports. */
  announced: boolean;
  /** Control messages that wait for a buffer of the driver's. */
  readonly control: Uint8Array[];
}

export interface PortState {
  readonly name: string | undefined;
  /** The driver has set the port up. */
  ready: boolean;
  /** Someone in the guest has it open: input before that would be thrown away by the driver. */
  guestOpen: boolean;
  /** The guest closed it, but what it had written has not all left yet; then: it opened it again meanwhile. */
  closing: boolean;
  reopened: boolean;
  /** The chain of output that has left up to `offset`. */
  leaving: { readonly chain: Chain; offset: number } | undefined;
  /** Output bytes that the host has room for. */
  room: number;
  /** Input that waits for buffers of the driver's. */
  readonly input: Uint8Array[];
  inputBytes: number;
  /** The host will write no more; then: the driver was told. */
  inputEnded: boolean;
  endTold: boolean;
}

/** Feature bits (virtio 1.2 §5.3.3). */
const FEATURE = { size: 1 << 0, multiport: 1 << 1 } as const;

export function createConsoleState(names: readonly string[]): ConsoleState {
  const port = (name: string | undefined): PortState => ({
    name,
    ready: false,
    guestOpen: false,
    closing: false,
    reopened: false,
    leaving: undefined,
    room: PORT_WINDOW_BYTES,
    input: [],
    inputBytes: 0,
    inputEnded: false,
    endTold: false,
  });
  return { ports: [port(undefined), ...names.map(port)], columns: 0, rows: 0, announced: false, control: [] };
}

export const CONSOLE_KIND: DeviceKind<ConsoleState> = {
  pci: { virtioId: 3, classCode: 0x078000, hasDeviceConfig: true },
  queueCount: (state) => 2 * state.ports.length + 2,
  features: () => FEATURE.size | FEATURE.multiport,
  config(state) {
    const view = new DataView(new ArrayBuffer(12));
    view.setUint16(0, state.columns, true);
    view.setUint16(2, state.rows, true);
    view.setUint32(4, state.ports.length, true);
    return new Uint8Array(view.buffer);
  },
  reset(state) {
    state.announced = false;
    state.control.length = 0;
    for (const port of state.ports) {
      Object.assign(port, { ready: false, guestOpen: false, closing: false, reopened: false, leaving: undefined });
      port.endTold = false;
    }
  },
};

/** Queue numbers (virtio 1.2 §5.3.2): port 0 has 0 and 1, control 2 and 3, port n from 2n + 2. */
export const CONTROL_INPUT_QUEUE = 2;
export const CONTROL_OUTPUT_QUEUE = 3;
export const inputQueue = (port: number): number => (port === 0 ? 0 : 2 * port + 2);
export const outputQueue = (port: number): number => inputQueue(port) + 1;
/** The port of a data queue, whichever direction. */
export const portOfQueue = (queue: number): number => (queue < 2 ? 0 : (queue >> 1) - 1);
