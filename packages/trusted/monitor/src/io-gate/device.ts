import { type Board, ringDoorbell, signal } from '@cloister/hardware';
import type { BlockRequest, PortEvent, Rate } from '@cloister/protocol';
import type { BlockState } from './block/device.ts';
import type { ConsoleState } from './console/device.ts';
import type { GuestMemory } from './guest-memory.ts';
import type { PciFunction } from './pci-function.ts';
import { type Chain, type Queue, returnChain, type Taken, takeChain, wantsInterrupt } from './split-ring.ts';
import type { Transport } from './transport.ts';

/** What the gate says to the slice; `ports.ts` numbers what goes to a port. */
export type GateMessage = BlockRequest | PortEvent;

/** The memory that machine and storage share (`PAYLOAD_AREA_BYTES`). What storage leaves there may change at any time. */
export interface PayloadArea {
  /** Whether all of `into` was filled, from byte `at` on. Neither throws. */
  read(at: number, into: Uint8Array): boolean;
  write(at: number, bytes: Uint8Array): boolean;
}

/** Everything the gate's devices reach: guest RAM, interrupts, the slice, payloads, randomness, the log. */
export interface Gate {
  readonly memory: GuestMemory;
  readonly board: Board;
  readonly harts: number;
  /** By PCI device number. */
  readonly devices: readonly Device[];
  readonly payloads: PayloadArea;
  /** To the slice. */
  send(message: GateMessage): void;
  /** `length` random bytes from the machine's one outside source. */
  random(length: number): Uint8Array;
  /** One line for the operator. */
  log(line: string): void;
  /** What the guest has used of each device's budget, by its number. */
  readonly rates: readonly Rate[];
}

/** The device status field (virtio 1.2 §2.1). */
export const STATUS = {
  driverOk: 4,
  featuresOk: 8,
  needsReset: 0x40,
} as const;

interface DeviceOf<Kind extends string, State> {
  readonly kind: Kind;
  /** On bus 0. */
  readonly number: number;
  readonly pci: PciFunction;
  /** Made anew by a reset. */
  transport: Transport;
  readonly state: State;
}

export type BlockDevice = DeviceOf<'block', BlockState>;
export type ConsoleDevice = DeviceOf<'console', ConsoleState>;
export type RngDevice = DeviceOf<'rng', undefined>;
export type Device = BlockDevice | ConsoleDevice | RngDevice;

/** Whether the device may touch its queues. */
export function isLive(device: Device): boolean {
  const { status, resetting } = device.transport;
  return (status & STATUS.driverOk) !== 0 && (status & STATUS.needsReset) === 0 && !resetting;
}

/** The queue, when the device may touch it. */
export function liveQueue(device: Device, index: number): Queue | undefined {
  const queue = device.transport.queues[index];
  return queue?.enabled && isLive(device) ? queue : undefined;
}

/** How the chains of a queue are served, one by one. */
interface QueueServer {
  /** Whether there is something to do with a chain now. */
  isReady?(queue: Queue): boolean;
  /** How many bytes were stored into a chain that is done; undefined when that comes later, or what is wrong with it. */
  serve(chain: Chain): number | string | undefined;
}

/**
 * Serves what waits in a queue, and says whether nothing waits there any more. What is wrong with a chain stops the device.
 * A driver that is over its budget or never stops asking doesn't keep the monitor: the rest is served later.
 */
export function serveChains(gate: Gate, device: Device, index: number, server: QueueServer): boolean {
  const queue = liveQueue(device, index);
  if (queue === undefined) return false;
  const rate = gate.rates[device.number]!;
  let taken: Taken = '';
  for (let served = 0; server.isReady?.(queue) ?? true; served += 1) {
    if (served === queue.size || rate.wait() > 0) {
      ringDoorbell(gate.board, device.number, index);
      break;
    }
    taken = takeChain(gate.memory, queue, device.transport.driverFeatures[0]);
    if (taken === undefined) break;
    if (typeof taken !== 'string') rate.charge(taken.readableBytes + taken.writableBytes);
    const result = typeof taken === 'string' ? taken : server.serve(taken);
    if (typeof result === 'number') returnChain(gate.memory, queue, taken as Chain, result);
    else if (result !== undefined) {
      stopDevice(gate, device, result);
      break;
    }
  }
  // Interrupts the driver if it wants to know of what was returned.
  if (isLive(device) && wantsInterrupt(gate.memory, queue, device.transport.driverFeatures[0]))
    signal(gate.board, gate.harts, device.number, 0);
  return taken === undefined;
}

/** The driver is told that the device's configuration is not what it read. */
export function notifyConfigChanged(gate: Gate, device: Device): void {
  device.transport.configChanged = true;
  if (isLive(device)) signal(gate.board, gate.harts, device.number, 1);
}

/** The driver broke the rules: this one device stops until it is reset (virtio 1.2 §2.1.2), with the reason in the log. */
export function stopDevice(gate: Gate, device: Device, reason: string): void {
  const { transport } = device;
  if ((transport.status & STATUS.needsReset) !== 0) return;
  const running = (transport.status & STATUS.driverOk) !== 0;
  transport.status |= STATUS.needsReset;
  gate.log(`${device.kind} device ${device.number} stopped until its driver resets it: ${reason}`);
  if (running) signal(gate.board, gate.harts, device.number, 1);
}
