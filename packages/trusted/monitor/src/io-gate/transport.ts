import { clearSignal } from '@cloister/hardware';
import { numberAt } from '../little-endian.ts';
import { type Device, type Gate, STATUS, stopDevice } from './device.ts';
import { kindOf } from './device-kinds.ts';
import { createQueue, QUEUE_SIZE_MAX, type Queue, queueFault, RING_FEATURE } from './split-ring.ts';

/** What every virtio device has, whatever it does: the state behind the common configuration, as it is after reset. */
export const createTransport = (queueCount: number, configGeneration = 0) => ({
  status: 0,
  featureSelect: 0,
  driverFeatureSelect: 0,
  /** Accepted feature bits: 0..31 and 32..63. */
  driverFeatures: [0, 0] as [number, number],
  queueSelect: 0,
  queues: Array.from({ length: queueCount }, createQueue),
  configGeneration,
  /** The device's configuration changed since the driver last read it. */
  configChanged: false,
  /** The driver asked for a reset that waits for requests under way. */
  resetting: false,
});
export type Transport = ReturnType<typeof createTransport>;

type Read = (device: Device) => number;
type Write = (gate: Gate, device: Device, value: number) => void;
/** Without a `write` it is read-only. */
type Register = readonly [at: number, width: number, read: Read, write?: Write];

const selector = (name: 'featureSelect' | 'driverFeatureSelect' | 'queueSelect'): [Read, Write] => [
  ({ transport }) => transport[name],
  (_gate, { transport }, value) => {
    transport[name] = value;
  },
];

const selectedQueue = ({ transport }: Device): Queue | undefined => transport.queues[transport.queueSelect];

/** What the selected queue has; it is set up until it is enabled, and no longer. */
const ofQueue = (
  read: (queue: Queue) => number,
  set: (queue: Queue, value: number, gate: Gate, device: Device) => void,
): [Read, Write] => [
  (device) => {
    const queue = selectedQueue(device);
    return queue === undefined ? 0 : read(queue);
  },
  (gate, device, value) => {
    const queue = selectedQueue(device);
    if (queue !== undefined && !queue.enabled) set(queue, value, gate, device);
  },
];

/** There is no MSI-X, so no vector can be mapped (virtio 1.2 §4.1.5.1.2). */
const noVector: Read = () => 0xffff;

/** The common configuration structure (virtio 1.2 §4.1.4.3). */
const REGISTERS: Readonly<Record<string, Register>> = {
  featureSelect: [0x00, 4, ...selector('featureSelect')],
  feature: [0x04, 4, (device) => offeredFeatures(device)[device.transport.featureSelect] ?? 0],
  driverFeatureSelect: [0x08, 4, ...selector('driverFeatureSelect')],
  driverFeature: [0x0c, 4, driverFeature, setDriverFeature],
  configVector: [0x10, 2, noVector],
  queueCount: [0x12, 2, ({ transport }) => transport.queues.length],
  status: [0x14, 1, ({ transport }) => transport.status, setStatus],
  configGeneration: [0x15, 1, ({ transport }) => transport.configGeneration],
  queueSelect: [0x16, 2, ...selector('queueSelect')],
  queueSize: [0x18, 2, ...ofQueue(({ size }) => size, setQueueSize)],
  queueVector: [0x1a, 2, noVector],
  queueEnable: [0x1c, 2, ...ofQueue(({ enabled }) => Number(enabled), enableQueue)],
  queueNotifyOffset: [0x1e, 2, (device) => (selectedQueue(device) ? device.transport.queueSelect : 0)],
};

/** Low and high words of the addresses of descriptor, driver and device area. */
const AREAS = [0, 1, 2, 3, 4, 5].map((word): Register => {
  const read = ({ areas }: Queue): number => areas[word]!;
  const set = ({ areas }: Queue, value: number): void => void (areas[word] = value);
  return [0x20 + 4 * word, 4, ...ofQueue(read, set)];
});

const BY_OFFSET = new Map([...Object.values(REGISTERS), ...AREAS].map((register) => [register[0], register]));

/** A register is touched with its own width (virtio 1.2 §4.1.3.1); anything else reads 0 and writes nothing. */
export function readCommon(device: Device, offset: number, size: number): number {
  const [, width, read] = BY_OFFSET.get(offset) ?? [];
  return width === size ? read!(device) >>> 0 : 0;
}

export function writeCommon(gate: Gate, device: Device, offset: number, size: number, value: number): void {
  const [, width, , write] = BY_OFFSET.get(offset) ?? [];
  if (width === size) write?.(gate, device, value);
}

function driverFeature({ transport }: Device): number {
  return transport.driverFeatures[transport.driverFeatureSelect] ?? 0;
}

function setDriverFeature(_gate: Gate, { transport }: Device, value: number): void {
  // Fixed once the device has said that it takes them (virtio 1.2 §2.2.1).
  if ((transport.status & STATUS.featuresOk) === 0 && transport.driverFeatureSelect < 2)
    transport.driverFeatures[transport.driverFeatureSelect] = value;
}

function setQueueSize(queue: Queue, size: number, gate: Gate, device: Device): void {
  if (size > 0 && size <= QUEUE_SIZE_MAX && (size & (size - 1)) === 0) queue.size = size;
  else stopDevice(gate, device, `a queue of ${size}`);
}

function enableQueue(queue: Queue, value: number, gate: Gate, device: Device): void {
  if (value !== 1) return;
  const fault = queueFault(gate.memory, queue);
  if (fault !== undefined) stopDevice(gate, device, `queue ${device.transport.queueSelect}: ${fault}`);
  else if ((device.transport.status & STATUS.featuresOk) === 0) stopDevice(gate, device, 'a queue before features');
  else queue.enabled = true;
}

function setStatus(gate: Gate, device: Device, value: number): void {
  const { transport } = device;
  if (value === 0) {
    // It reads 0 once no request under way can touch guest memory or a disk any more (virtio 1.2 §2.4.1).
    transport.resetting = transport.status !== 0;
    finishReset(gate, device);
    return;
  }
  if (transport.resetting) return;
  const before = transport.status;
  // The driver must not clear a bit (virtio 1.2 §2.1.1); what the device set stays.
  let next = before | (value & ~STATUS.needsReset);
  if ((next & STATUS.featuresOk) !== 0 && (before & STATUS.featuresOk) === 0 && !acceptsFeatures(device)) {
    next &= ~STATUS.featuresOk;
  }
  if ((next & STATUS.featuresOk) === 0) next &= ~STATUS.driverOk;
  transport.status = next;
  if ((next & STATUS.driverOk) !== 0 && (before & STATUS.driverOk) === 0)
    transport.queues.forEach((_, queue) => void kindOf(device).serve(gate, device, queue));
}

/** The one feature that a driver must take (virtio 1.2 §6), of the bits from 32 up. */
const VERSION_1 = 1 << 0;

/** Feature bits 0..31, the device's own below 24, and 32..63. No ACCESS_PLATFORM: addresses are guest physical. */
const offeredFeatures = (device: Device): readonly [number, number] => [
  kindOf(device).features(device.state) | RING_FEATURE.indirect | RING_FEATURE.eventIndex,
  VERSION_1,
];

function acceptsFeatures(device: Device): boolean {
  const offered = offeredFeatures(device);
  const [low, high] = device.transport.driverFeatures;
  return (low & ~offered[0]) === 0 && (high & ~offered[1]) === 0 && (high & VERSION_1) !== 0;
}

/** Goes on with a reset that waited for requests; called whenever one has ended. */
export function finishReset(gate: Gate, device: Device): void {
  const { transport } = device;
  if (!transport.resetting || kindOf(device).isBusy(device.state)) return;
  kindOf(device).reset(device.state);
  device.transport = createTransport(transport.queues.length, transport.configGeneration);
  clearSignal(gate.board, device.number);
}

/** Reads the device's own configuration; a changed one shows in the generation (virtio 1.2 §4.1.4.3.1). */
export function readDeviceConfig(device: Device, offset: number, size: number): number {
  const { transport } = device;
  if (transport.configChanged) {
    transport.configChanged = false;
    transport.configGeneration = (transport.configGeneration + 1) & 0xff;
  }
  return numberAt(kindOf(device).config(device.state), offset, size);
}
