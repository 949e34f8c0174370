import {
  barAddress,
  deviceAt,
  MEMORY_MAP,
  PCI_DEVICES,
  publishBar,
  readIsr,
  ringDoorbell,
  takeDoorbells,
  VIRTIO_BAR,
} from '@cloister/hardware';
import type { BlockReply, DeviceConfig, PortEvent } from '@cloister/protocol';
import { numberAt } from '../little-endian.ts';
import type { BlockSeal } from '../seal/block-seal.ts';
import { createBacking, storesOf } from './block/backing.ts';
import { createBlockState } from './block/device.ts';
import { blockReplied, resendBlock } from './block/requests.ts';
import { createConsoleState, queuesOf } from './console/device.ts';
import { portMessage, resizeConsole } from './console/requests.ts';
import { type ConsoleDevice, type Device, type Gate, stopDevice } from './device.ts';
import { kindOf } from './device-kinds.ts';
import { barWindow, createPciFunction, decodedBar, writeConfigSpace } from './pci-function.ts';
import { createTransport, finishReset, readCommon, readDeviceConfig, writeCommon } from './transport.ts';

/** @throws RangeError for more devices than the bus has interrupts for, two that share a store, a backing that is none */
export function createDevices(
  configs: readonly DeviceConfig[],
  unsealed: BlockSeal | undefined,
  random: (length: number) => Uint8Array,
): readonly Device[] {
  if (configs.length > PCI_DEVICES) throw new RangeError(`A machine has at most ${PCI_DEVICES} PCI devices`);
  const disks = configs.filter((config) => config.kind === 'block');
  const stores = disks.flatMap(({ backing }) => storesOf(backing));
  if (new Set(stores).size < stores.length) throw new RangeError('A store is part of two disks');
  const stateOf = (config: DeviceConfig): Device['state'] => {
    if (config.kind === 'console') return createConsoleState(config.names);
    if (config.kind === 'rng') return undefined;
    const backing = createBacking(config.backing, config.sectors, unsealed, random);
    return createBlockState(config, backing, disks.indexOf(config), disks.length);
  };
  return configs.map((config, number) => {
    const queues = config.kind === 'console' ? queuesOf(1 + config.names.length) : 1;
    const pci = createPciFunction(kindOf(config).pci);
    return { kind: config.kind, number, pci, transport: createTransport(queues), state: stateOf(config) } as Device;
  });
}

/** What the guest's read of 1, 2, 4 or 8 bytes in the PCI windows finds; all ones where nothing answers. */
export function gateRead(gate: Gate, address: number, size: number): bigint {
  if (size === 8) return gateRead(gate, address, 4) | (gateRead(gate, address + 4, 4) << 32n);
  const place = placeOf(gate, address, size);
  if (place === undefined) return (1n << BigInt(8 * size)) - 1n;
  return BigInt(place.inBar ? readBar(gate, place) : numberAt(place.device.pci.space, place.offset, place.size));
}

/** The guest's store of 1, 2, 4 or 8 bytes into the PCI windows. Never throws; what nothing answers to is lost. */
export function gateWrite(gate: Gate, address: number, size: number, value: bigint): void {
  if (size === 8) {
    gateWrite(gate, address, 4, value & 0xffff_ffffn);
    gateWrite(gate, address + 4, 4, value >> 32n);
    return;
  }
  const place = placeOf(gate, address, size);
  if (place === undefined) return;
  const { device, offset } = place;
  const bits = Number(BigInt.asUintN(8 * Math.min(size, place.size), value));
  if (place.inBar) writeBar(gate, place, bits);
  else {
    writeConfigSpace(device.pci, offset, size, bits);
    publishBar(gate.board, device.number, decodedBar(device.pci));
  }
}

/** What an access touches: bytes of a device's BAR, or of its configuration space. */
interface Place {
  readonly device: Device;
  readonly inBar: boolean;
  readonly offset: number;
  readonly size: number;
}

/** Undefined where nothing is. */
function placeOf(gate: Gate, address: number, size: number): Place | undefined {
  if (address % size !== 0) return undefined;
  const at = address - MEMORY_MAP.pciConfig.base;
  const isConfig = at >= 0 && at < MEMORY_MAP.pciConfig.length;
  // ECAM: bus, device (5 bits), function (3 bits), register (12 bits); one bus, function 0 alone.
  const number = isConfig ? at >> 15 : deviceAt(gate.board, address);
  const device = gate.devices[number];
  if (device === undefined || (isConfig && ((at >> 12) & 7) !== 0)) return undefined;
  if (!isConfig) return { device, inBar: true, offset: address - barAddress(gate.board, number), size };
  const window = barWindow(device.pci, at & 0xfff);
  return { device, inBar: window !== undefined, ...(window ?? { offset: at & 0xfff, size }) };
}

function readBar(gate: Gate, { device, offset, size }: Place): number {
  if (offset < VIRTIO_BAR.isr) return readCommon(device, offset - VIRTIO_BAR.common, size);
  if (offset < VIRTIO_BAR.device) return offset === VIRTIO_BAR.isr ? readIsr(gate.board, device.number) : 0;
  if (offset < VIRTIO_BAR.notify) return readDeviceConfig(device, offset - VIRTIO_BAR.device, size);
  return 0;
}

function writeBar(gate: Gate, { device, offset, size }: Place, value: number): void {
  if (offset < VIRTIO_BAR.isr)
    contain(gate, device, () => writeCommon(gate, device, offset - VIRTIO_BAR.common, size, value));
  const queue = (offset - VIRTIO_BAR.notify) / VIRTIO_BAR.notifyMultiplier;
  if (device.transport.queues[queue] !== undefined) ringDoorbell(gate.board, device.number, queue);
}

/** Milliseconds until each device may be served again; 0 when none is over its budget. */
export const gateWait = ({ rates }: Gate): number => Math.max(0, ...rates.map((rate) => rate.wait()));

/** Serves the queues that were rung, of devices within their budget. */
export function serveDoorbells(gate: Gate): void {
  for (const device of gate.devices) {
    if (gate.rates[device.number]!.wait() > 0) continue;
    const rung = takeDoorbells(gate.board, device.number);
    if (rung === 0) continue;
    contain(gate, device, () => {
      device.transport.queues.forEach((_, queue) => {
        if (((rung >>> (queue & 31)) & 1) !== 0) kindOf(device).serve(gate, device, queue);
      });
    });
  }
}

/** The slice completed a request of the gate. */
export function gateReplied(gate: Gate, reply: BlockReply): void {
  const device = gate.devices.find((one) => one.kind === 'block' && one.state.stores.includes(reply.store));
  if (device?.kind !== 'block') {
    gate.log(`The slice answered for store ${reply.store}, which is no disk's`);
    return;
  }
  contain(gate, device, () => {
    blockReplied(gate, device, reply);
    finishReset(gate, device);
  });
}

/** Slice or storage is a new one: what the old one had not answered is asked again, from the same places. */
export function gateResend(gate: Gate): void {
  for (const device of gate.devices) if (device.kind === 'block') resendBlock(gate, device);
}

const consoleOf = (devices: readonly Device[]): ConsoleDevice | undefined =>
  devices.find((device) => device.kind === 'console');

/** Ports of the console among the devices. */
export const consolePorts = (devices: readonly Device[]): number => consoleOf(devices)?.state.ports.length ?? 0;

/** The slice has something for a port of the console. */
export function gatePortMessage(gate: Gate, message: PortEvent): void {
  const device = consoleOf(gate.devices);
  if (device !== undefined) contain(gate, device, () => portMessage(gate, device, message));
}

export function gateResize(gate: Gate, columns: number, rows: number): void {
  const device = consoleOf(gate.devices);
  if (device !== undefined) contain(gate, device, () => resizeConsole(gate, device, columns, rows));
}

/** The last wall: whatever was overlooked stops the one device, not the machine. */
function contain(gate: Gate, device: Device, act: () => void): void {
  try {
    act();
  } catch (error) {
    stopDevice(gate, device, `the gate failed: ${error instanceof Error ? error.message : String(error)}`);
  }
}
