import { clearSignal, VIRTIO_BAR } from '@cloister/hardware';
import { type Device, FEATURE, type Gate, STATUS, stopDevice, type Transport } from './device.ts';
import { hasRequestsUnderWay, offeredFeatures, resetDevice, serveQueue } from './device-kinds.ts';
import { createQueue, QUEUE_SIZE_MAX, type Queue, queueFault, resetQueue } from './split-ring.ts';

/** Offsets in the common configuration structure and the widths of its fields (virtio 1.2 §4.1.4.3). */
const FIELD = {
  featureSelect: 0x00,
  feature: 0x04,
  driverFeatureSelect: 0x08,
  driverFeature: 0x0c,
  configVector: 0x10,
  queueCount: 0x12,
  status: 0x14,
  configGeneration: 0x15,
  queueSelect: 0x16,
  queueSize: 0x18,
  queueVector: 0x1a,
  queueEnable: 0x1c,
  queueNotifyOffset: 0x1e,
  /** Three pairs of words: descriptor, driver and device area. */
  queueAreas: 0x20,
  queueAreasEnd: 0x38,
} as const;

const WIDTH = new Map<number, 1 | 2 | 4>([
  [FIELD.featureSelect, 4],
  [FIELD.feature, 4],
  [FIELD.driverFeatureSelect, 4],
  [FIELD.driverFeature, 4],
  [FIELD.configVector, 2],
  [FIELD.queueCount, 2],
  [FIELD.status, 1],
  [FIELD.configGeneration, 1],
  [FIELD.queueSelect, 2],
  [FIELD.queueSize, 2],
  [FIELD.queueVector, 2],
  [FIELD.queueEnable, 2],
  [FIELD.queueNotifyOffset, 2],
]);

/** There is no MSI-X, so no vector can be mapped (virtio 1.2 §4.1.5.1.2). */
const NO_VECTOR = 0xffff;

export function createTransport(queueCount: number): Transport {
  return {
    status: 0,
    featureSelect: 0,
    driverFeatureSelect: 0,
    driverFeatures: [0, 0],
    queueSelect: 0,
    queues: Array.from({ length: queueCount }, createQueue),
    configGeneration: 0,
    configChanged: false,
    resetting: false,
  };
}

const isArea = (offset: number): boolean => offset >= FIELD.queueAreas && offset < FIELD.queueAreasEnd;

/** Whether a driver may touch `offset` with this width (virtio 1.2 §4.1.3.1); anything else reads 0 and writes nothing. */
const isField = (offset: number, size: number): boolean =>
  isArea(offset) ? size === 4 && offset % 4 === 0 : WIDTH.get(offset) === size;

export function readCommon(device: Device, offset: number, size: number): number {
  if (!isField(offset, size)) return 0;
  const { transport } = device;
  const queue = transport.queues[transport.queueSelect];
  if (isArea(offset)) return queue?.areas[(offset - FIELD.queueAreas) >> 2] ?? 0;
  switch (offset) {
    case FIELD.featureSelect:
      return transport.featureSelect;
    case FIELD.feature:
      return (offeredFeatures(device)[transport.featureSelect] ?? 0) >>> 0;
    case FIELD.driverFeatureSelect:
      return transport.driverFeatureSelect;
    case FIELD.driverFeature:
      return (transport.driverFeatures[transport.driverFeatureSelect] ?? 0) >>> 0;
    case FIELD.queueCount:
      return transport.queues.length;
    case FIELD.status:
      return transport.status;
    case FIELD.configGeneration:
      return transport.configGeneration;
    case FIELD.queueSelect:
      return transport.queueSelect;
    case FIELD.queueSize:
      return queue?.size ?? 0;
    case FIELD.queueEnable:
      return queue?.enabled ? 1 : 0;
    case FIELD.queueNotifyOffset:
      return queue === undefined ? 0 : transport.queueSelect;
    default:
      return NO_VECTOR;
  }
}

export function writeCommon(gate: Gate, device: Device, offset: number, size: number, value: number): void {
  if (!isField(offset, size)) return;
  const { transport } = device;
  const queue = transport.queues[transport.queueSelect];
  if (isArea(offset)) {
    if (queue !== undefined && !queue.enabled) queue.areas[(offset - FIELD.queueAreas) >> 2] = value;
    return;
  }
  switch (offset) {
    case FIELD.featureSelect:
      transport.featureSelect = value;
      break;
    case FIELD.driverFeatureSelect:
      transport.driverFeatureSelect = value;
      break;
    case FIELD.driverFeature:
      // Fixed once the device has said that it takes them (virtio 1.2 §2.2.1).
      if ((transport.status & STATUS.featuresOk) === 0 && transport.driverFeatureSelect < 2) {
        transport.driverFeatures[transport.driverFeatureSelect as 0 | 1] = value;
      }
      break;
    case FIELD.status:
      writeStatus(gate, device, value);
      break;
    case FIELD.queueSelect:
      transport.queueSelect = value;
      break;
    case FIELD.queueSize:
      if (queue !== undefined && !queue.enabled) setQueueSize(gate, device, queue, value);
      break;
    case FIELD.queueEnable:
      if (queue !== undefined && !queue.enabled && value === 1) enableQueue(gate, device, queue);
      break;
    default:
      break;
  }
}

function setQueueSize(gate: Gate, device: Device, queue: Queue, size: number): void {
  if (size > 0 && size <= QUEUE_SIZE_MAX && (size & (size - 1)) === 0) queue.size = size;
  else stopDevice(gate, device, `a queue of ${size}`);
}

function enableQueue(gate: Gate, device: Device, queue: Queue): void {
  const fault = queueFault(gate.memory, queue);
  if (fault !== undefined) stopDevice(gate, device, `queue ${device.transport.queueSelect}: ${fault}`);
  else if ((device.transport.status & STATUS.featuresOk) === 0) stopDevice(gate, device, 'a queue before features');
  else queue.enabled = true;
}

function writeStatus(gate: Gate, device: Device, value: number): void {
  const { transport } = device;
  if (value === 0) {
    if (transport.status !== 0) beginReset(gate, device);
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
  if ((next & STATUS.driverOk) !== 0 && (before & STATUS.driverOk) === 0) {
    for (let queue = 0; queue < transport.queues.length; queue += 1) serveQueue(gate, device, queue);
  }
}

function acceptsFeatures(device: Device): boolean {
  const offered = offeredFeatures(device);
  const [low, high] = device.transport.driverFeatures;
  return (low & ~offered[0]) === 0 && (high & ~offered[1]) === 0 && (high & FEATURE.version1High) !== 0;
}

/** The status reads 0 once no request under way can touch guest memory or a disk any more (virtio 1.2 §2.4.1). */
function beginReset(gate: Gate, device: Device): void {
  device.transport.resetting = true;
  finishReset(gate, device);
}

/** Goes on with a reset that waited for requests; called whenever one has ended. */
export function finishReset(gate: Gate, device: Device): void {
  const { transport } = device;
  if (!transport.resetting || hasRequestsUnderWay(device)) return;
  resetDevice(device);
  Object.assign(transport, {
    status: 0,
    featureSelect: 0,
    driverFeatureSelect: 0,
    queueSelect: 0,
    configChanged: false,
    resetting: false,
  });
  transport.driverFeatures.fill(0);
  for (const queue of transport.queues) resetQueue(queue);
  clearSignal(gate.board, device.number);
}

/** Reads the device's own configuration; a changed one shows in the generation (virtio 1.2 §4.1.4.3.1). */
export function readDeviceConfig(device: Device, config: Uint8Array, offset: number, size: number): number {
  const { transport } = device;
  if (transport.configChanged) {
    transport.configChanged = false;
    transport.configGeneration = (transport.configGeneration + 1) & 0xff;
  }
  let value = 0;
  for (let i = size - 1; i >= 0; i -= 1) value = value * 256 + (config[offset + i] ?? 0);
  return value;
}

/** The queue that a store at this offset of the notification structure rings, or undefined. */
export function doorbellAt(device: Device, offset: number): number | undefined {
  const queue = (offset - VIRTIO_BAR.notify) / VIRTIO_BAR.notifyMultiplier;
  return Number.isInteger(queue) && queue >= 0 && queue < device.transport.queues.length ? queue : undefined;
}
