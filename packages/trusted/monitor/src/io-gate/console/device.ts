import { structureOf } from '../../little-endian.ts';
import { createPortEnd, type PortEnd } from '../../port-end.ts';
import type { ConsoleDevice } from '../device.ts';
import type { DeviceKind } from '../device-kind.ts';
import type { Chain } from '../split-ring.ts';

export interface PortState extends PortEnd, DriverSide {
  readonly name: string | undefined;
  /** The host will write no more. */
  inputEnded: boolean;
}

/** What the driver made of a port, or was told, as it is after reset. */
const UNUSED = {
  /** The driver has set the port up. */
  ready: false,
  /** Someone in the guest has it open: input before that would be thrown away by the driver. */
  guestOpen: false,
  /** The guest closed it, but what it had written has not all left yet. */
  closing: false,
  /** The chain of output that has left up to `offset`. */
  leaving: undefined as { readonly chain: Chain; offset: number } | undefined,
  /** The driver was told that the host will write no more. */
  endTold: false,
};
type DriverSide = typeof UNUSED;

/** Feature bits (virtio 1.2 §5.3.3). */
const FEATURE = { size: 1 << 0, multiport: 1 << 1 } as const;

/** A virtio console device with many ports (virtio 1.2 §5.3). Port 0 is the console, the others have names. */
export const createConsoleState = (names: readonly string[]) => ({
  ports: [undefined, ...names].map(
    (name, number): PortState => ({
      ...{ name, inputEnded: false, ...UNUSED },
      ...createPortEnd(number),
    }),
  ),
  /** Size of port 0's terminal; 0 by 0 while unknown. */
  columns: 0,
  rows: 0,
  /** The driver has taken the list of ports. */
  announced: false,
  /** Control messages that wait for a buffer of the driver's. */
  control: [] as Uint8Array[],
});
export type ConsoleState = ReturnType<typeof createConsoleState>;

export const CONSOLE_KIND: Omit<DeviceKind<ConsoleDevice>, 'serve'> = {
  pci: { virtioId: 3, classCode: 0x078000 },
  features: () => FEATURE.size | FEATURE.multiport,
  config: ({ columns, rows, ports }) =>
    structureOf(12, [
      [0, 2, columns],
      [2, 2, rows],
      [4, 4, ports.length],
    ]),
  isBusy: () => false,
  reset(state) {
    state.announced = false;
    state.control.length = 0;
    for (const port of state.ports) Object.assign(port, UNUSED);
  },
};

/** Queue numbers (virtio 1.2 §5.3.2): port 0 has 0 and 1, control 2 and 3, port n from 2n + 2. */
export const CONTROL_INPUT_QUEUE = 2;
export const CONTROL_OUTPUT_QUEUE = 3;
export const queuesOf = (ports: number): number => 2 * ports + 2;
export const inputQueue = (port: number): number => (port === 0 ? 0 : 2 * port + 2);
export const outputQueue = (port: number): number => inputQueue(port) + 1;
/** The port of a data queue, whichever direction. */
export const portOfQueue = (queue: number): number => (queue < 2 ? 0 : (queue >> 1) - 1);
