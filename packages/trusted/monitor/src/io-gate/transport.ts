import { clearSignal } from '@cloister/hardware';
import { type Device, FEATURE, type Gate, STATUS, stopDevice, type Transport } from './device.ts';
import { kindOf } from './device-kinds.ts';
import { numberAt } from './little-endian.ts';
import { createQueue, QUEUE_SIZE_MAX, type Queue, queueFault } from './split-ring.ts';

/** As it is after reset. */
export function createTransport(queueCount: number, configGeneration = 0): Transport {
  return {
    status: 0,
    featureSelect: 0,
    driverFeatureSelect: 0,
    driverFeatures: [0, 0],
    queueSelect: 0,
    queues: Array.from({ length: queueCount }, createQueue),
    configGeneration,
    configChanged: false,
    resetting: false,
  };
}

/** A register of the common configuration. */
interface Register {
  readonly at: number;
  readonly width: number;
  read(device: Device): number;
  write(gate: Gate, device: Device, value: number): void;
}

const register = (
  at: number,
  width: number,
  read: Register['read'],
  write: Register['write'] = () => undefined,
): Register => ({ at, width, read, write });

const selector = (at: number, width: number, name: 'featureSelect' | 'driverFeatureSelect' | 'queueSelect'): Register =>
  register(
    at,
    width,
    ({ transport }) => transport[name],
    (_gate, { transport }, value) => {
      transport[name] = value;
    },
  );

const selectedQueue = ({ transport }: Device): Queue | undefined => transport.queues[transport.queueSelect];

/** What the selected queue has; it is set up until it is enabled, and no longer. */
const ofQueue = (
  at: number,
  width: number,
  read: (queue: Queue) => number,
  set: (queue: Queue, value: number, gate: Gate, device: Device) => void,
): Register =>
  register(
    at,
    width,
    (device) => {
      const queue = selectedQueue(device);
      return queue === undefined ? 0 : read(queue);
    },
    (gate, device, value) => {
      const queue = selectedQueue(device);
      if (queue !== undefined && !queue.enabled) set(queue, value, gate, device);
    },
  );

/** There is no MSI-X, so no vector can be mapped (virtio 1.2 §4.1.5.1.2). */
const noVector = (): number => 0xffff;

/** The common configuration structure (virtio 1.2 §4.1.4.3). */
const REGISTERS: Readonly<Record<string, Register>> = {
  featureSelect: selector(0x00, 4, 'featureSelect'),
  feature: register(0x04, 4, (device) => offeredFeatures(device)[device.transport.featureSelect] ?? 0),
  driverFeatureSelect: selector(0x08, 4, 'driverFeatureSelect'),
  driverFeature: register(0x0c, 4, driverFeature, setDriverFeature),
  configVector: register(0x10, 2, noVector),
  queueCount: register(0x12, 2, ({ transport }) => transport.queues.length),
  status: register(0x14, 1, ({ transport }) => transport.status, setStatus),
  configGeneration: register(0x15, 1, ({ transport }) => transport.configGeneration),
  queueSelect: selector(0x16, 2, 'queueSelect'),
  queueSize: ofQueue(0x18, 2, ({ size }) => size, setQueueSize),
  queueVector: register(0x1a, 2, noVector),
  queueEnable: ofQueue(0x1c, 2, ({ enabled }) => Number(enabled), enableQueue),
  queueNotifyOffset: register(0x1e, 2, (device) => (selectedQueue(device) ? device.transport.queueSelect : 0)),
};

/** Low and high words of the addresses of descriptor, driver and device area. */
const AREAS = [0, 1, 2, 3, 4, 5].map((word) =>
  ofQueue(
    0x20 + 4 * word,
    4,
    ({ areas }) => areas[word]!,
    (queue, value) => void (queue.areas[word] = value),
  ),
);

const BY_OFFSET = new Map([...Object.values(REGISTERS), ...AREAS].map((one) => [one.at, one]));

/** A register is touched with its own width (virtio 1.2 §4.1.3.1); anything else reads 0 and writes nothing. */
const registerAt = (offset: number, size: number): Register | undefined => {
  const found = BY_OFFSET.get(offset);
  return found?.width === size ? found : undefined;
};

export const readCommon = (device: Device, offset: number, size: number): number =>
  (registerAt(offset, size)?.read(device) ?? 0) >>> 0;

export const writeCommon = (gate: Gate, device: Device, offset: number, size: number, value: number): void =>
  registerAt(offset, size)?.write(gate, device, value);

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

/** Feature bits 0..31 and 32..63. No ACCESS_PLATFORM: addresses are guest physical. */
const offeredFeatures = (device: Device): readonly [number, number] => [
  kindOf(device).features(device.state) | FEATURE.indirect | FEATURE.eventIndex,
  FEATURE.version1High,
];

function acceptsFeatures(device: Device): boolean {
  const offered = offeredFeatures(device);
  const [low, high] = device.transport.driverFeatures;
  return (low & ~offered[0]) === 0 && (high & ~offered[1]) === 0 && (high & FEATURE.version1High) !== 0;
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
