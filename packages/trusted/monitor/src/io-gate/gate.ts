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
import type { BlockReply, PortEvent } from '@cloister/protocol';
import type { SealKind } from '../seal/block-seal.ts';
import { type BackingConfig, createBacking, storesOf, usesStore } from './block/backing.ts';
import { BLOCK_KIND, createBlockState } from './block/device.ts';
import { blockReplied, resendBlock } from './block/requests.ts';
import { CONSOLE_KIND, createConsoleState } from './console/device.ts';
import { portMessage, resizeConsole } from './console/requests.ts';
import { type Device, type Gate, stopDevice } from './device.ts';
import { deviceConfig, serveQueue } from './device-kinds.ts';
import { barWindow, createPciFunction, decodedBar, readConfigSpace, writeConfigSpace } from './pci-function.ts';
import { RNG_KIND } from './rng/device.ts';
import { createTransport, doorbellAt, finishReset, readCommon, readDeviceConfig, writeCommon } from './transport.ts';

/** A device of the machine; its place in the list is its PCI device number. */
export type DeviceConfig =
  | { readonly kind: 'console'; readonly names: readonly string[] }
  | {
      readonly kind: 'block';
      /** Of 512 bytes. */
      readonly sectors: number;
      readonly readOnly: boolean;
      readonly backing: BackingConfig;
    }
  | { readonly kind: 'rng' };

/** @throws RangeError for more devices than the bus has interrupts for, two that share a store, a backing that is none */
export function createDevices(
  configs: readonly DeviceConfig[],
  seal: SealKind,
  random: (length: number) => Uint8Array,
): readonly Device[] {
  if (configs.length > PCI_DEVICES) throw new RangeError(`A machine has at most ${PCI_DEVICES} PCI devices`);
  const stores = configs.flatMap((config) => (config.kind === 'block' ? storesOf(config.backing) : []));
  if (new Set(stores).size < stores.length) throw new RangeError('A store is part of two disks');
  const disks = configs.filter(({ kind }) => kind === 'block').length;
  let nth = 0;
  return configs.map((config, number) => {
    if (config.kind !== 'block') return createDevice(config, number);
    const { backing, sectors, readOnly } = config;
    const state = createBlockState(createBacking(backing, sectors, seal, random), sectors, readOnly, nth++, disks);
    return { kind: 'block', number, pci: createPciFunction(BLOCK_KIND.pci), transport: createTransport(1), state };
  });
}

function createDevice(config: Exclude<DeviceConfig, { kind: 'block' }>, number: number): Device {
  switch (config.kind) {
    case 'console': {
      const state = createConsoleState(config.names);
      const transport = createTransport(CONSOLE_KIND.queueCount(state));
      return { kind: 'console', number, pci: createPciFunction(CONSOLE_KIND.pci), transport, state };
    }
    case 'rng':
      return { kind: 'rng', number, pci: createPciFunction(RNG_KIND.pci), transport: createTransport(1), state: {} };
  }
}

/** What the guest's read of 1, 2, 4 or 8 bytes in the PCI windows finds; all ones where nothing answers. */
export function gateRead(gate: Gate, address: number, size: number): bigint {
  if (size === 8) return gateRead(gate, address, 4) | (gateRead(gate, address + 4, 4) << 32n);
  if (address % size !== 0) return nothing(size);
  const config = configPlace(gate, address);
  if (config === 'elsewhere') {
    const number = deviceAt(gate.board, address);
    const device = gate.devices[number];
    if (device === undefined) return nothing(size);
    return BigInt(readBar(gate, device, address - barAddress(gate.board, number), size));
  }
  if (config === undefined) return nothing(size);
  const { device, offset } = config;
  const window = barWindow(device.pci, offset);
  return BigInt(
    window === undefined
      ? readConfigSpace(device.pci, offset, size)
      : readBar(gate, device, window.offset, window.size),
  );
}

/** The guest's store of 1, 2, 4 or 8 bytes into the PCI windows. Never throws; what nothing answers to is lost. */
export function gateWrite(gate: Gate, address: number, size: number, value: bigint): void {
  if (size === 8) {
    gateWrite(gate, address, 4, value & 0xffff_ffffn);
    gateWrite(gate, address + 4, 4, value >> 32n);
    return;
  }
  if (address % size !== 0) return;
  const bits = Number(BigInt.asUintN(8 * size, value));
  const config = configPlace(gate, address);
  if (config === undefined) return;
  if (config === 'elsewhere') {
    const number = deviceAt(gate.board, address);
    const device = gate.devices[number];
    if (device !== undefined) writeBar(gate, device, address - barAddress(gate.board, number), size, bits);
    return;
  }
  const { device, offset } = config;
  const window = barWindow(device.pci, offset);
  if (window === undefined) {
    writeConfigSpace(device.pci, offset, size, bits);
    publishBar(gate.board, device.number, decodedBar(device.pci));
  } else writeBar(gate, device, window.offset, window.size, bits % 2 ** (8 * window.size));
}

/** The function whose configuration space holds `address`; undefined where the bus is empty. */
function configPlace(gate: Gate, address: number): { device: Device; offset: number } | undefined | 'elsewhere' {
  const { base, length } = MEMORY_MAP.pciConfig;
  if (address < base || address >= base + length) return 'elsewhere';
  // ECAM: bus, device (5 bits), function (3 bits), register (12 bits); one bus, function 0 alone.
  const at = address - base;
  const device = gate.devices[at >> 15];
  return device === undefined || ((at >> 12) & 7) !== 0 ? undefined : { device, offset: at & 0xfff };
}

const nothing = (size: number): bigint => (1n << BigInt(8 * size)) - 1n;

function readBar(gate: Gate, device: Device, offset: number, size: number): number {
  if (offset < VIRTIO_BAR.isr) return readCommon(device, offset - VIRTIO_BAR.common, size);
  if (offset < VIRTIO_BAR.device) return offset === VIRTIO_BAR.isr ? readIsr(gate.board, device.number) : 0;
  if (offset < VIRTIO_BAR.notify)
    return readDeviceConfig(device, deviceConfig(device), offset - VIRTIO_BAR.device, size);
  return 0;
}

function writeBar(gate: Gate, device: Device, offset: number, size: number, value: number): void {
  contain(gate, device, () => {
    if (offset < VIRTIO_BAR.isr) writeCommon(gate, device, offset - VIRTIO_BAR.common, size, value);
    else if (offset >= VIRTIO_BAR.notify) {
      const queue = doorbellAt(device, offset);
      if (queue !== undefined) ringDoorbell(gate.board, device.number, queue);
    }
  });
}

/** Milliseconds until each device may be served again; 0 when none is over its budget. */
export const gateWait = ({ rates }: Gate): number => Math.max(0, ...rates.map((rate) => rate.wait()));

/** Serves the queues that were rung, of devices within their budget. Returns whether there were any. */
export function serveDoorbells(gate: Gate): boolean {
  let any = false;
  for (const device of gate.devices) {
    if (gate.rates[device.number]!.wait() > 0) continue;
    const rung = takeDoorbells(gate.board, device.number);
    if (rung === 0) continue;
    any = true;
    contain(gate, device, () => {
      for (let queue = 0; queue < device.transport.queues.length; queue += 1) {
        if (((rung >>> (queue & 31)) & 1) !== 0) serveQueue(gate, device, queue);
      }
    });
  }
  return any;
}

/** The slice completed a request of the gate. */
export function gateReplied(gate: Gate, reply: BlockReply): void {
  const device = gate.devices.find((one) => one.kind === 'block' && usesStore(one.state.backing, reply.store));
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

/** Ports of the console among the devices. */
export function consolePorts(devices: readonly Device[]): number {
  const found = devices.find((one) => one.kind === 'console');
  return found?.kind === 'console' ? found.state.ports.length : 0;
}

/** The slice has something for a port of the console. */
export function gatePortMessage(gate: Gate, message: PortEvent): void {
  const device = gate.devices.find((one) => one.kind === 'console');
  if (device?.kind === 'console') contain(gate, device, () => portMessage(gate, device, message));
}

export function gateResize(gate: Gate, columns: number, rows: number): void {
  const device = gate.devices.find((one) => one.kind === 'console');
  if (device?.kind === 'console') contain(gate, device, () => resizeConsole(gate, device, columns, rows));
}

/** The last wall: whatever was overlooked stops the one device, not the machine. */
function contain(gate: Gate, device: Device, act: () => void): void {
  try {
    act();
  } catch (error) {
    stopDevice(gate, device, `the gate failed: ${error instanceof Error ? error.message : String(error)}`);
  }
}
