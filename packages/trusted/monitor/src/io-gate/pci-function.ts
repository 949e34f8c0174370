import { MEMORY_MAP, VIRTIO_BAR } from '@cloister/hardware';

/** The configuration space of one virtio function: 256 bytes, its only BAR, its command register. */
export interface PciFunction {
  /** As the guest reads it, but for the window into the BAR (`barWindow`). */
  readonly space: Uint8Array;
}

export interface PciIdentity {
  /** Virtio device ID (virtio 1.2 §5). */
  readonly virtioId: number;
  /** Class, subclass and programming interface, 24 bits. */
  readonly classCode: number;
  readonly hasDeviceConfig: boolean;
}

/** Offsets in a type 0 header (PCI Local Bus 3.0 §6.1). */
const HEADER = {
  vendor: 0x00,
  device: 0x02,
  command: 0x04,
  status: 0x06,
  revision: 0x08,
  classCode: 0x09,
  bar0: 0x10,
  subsystemVendor: 0x2c,
  subsystem: 0x2e,
  capabilities: 0x34,
  interruptLine: 0x3c,
  interruptPin: 0x3d,
} as const;
const COMMAND_MEMORY = 2;
/** Memory space and bus master; the rest is hard-wired to 0. */
const COMMAND_WRITABLE = 0x06;
const STATUS_CAPABILITIES = 0x10;
const CAPABILITY_VENDOR = 0x09;

/** Virtio structure capabilities (virtio 1.2 §4.1.4), each 16 bytes, 20 where a word follows. */
const WINDOW_CAPABILITY = 0xa0;
const WINDOW = { bar: 4, offset: 8, length: 12, data: 16 } as const;

/** A function as it is after reset, without an address. There is no MSI-X capability: INTA alone. */
export function createPciFunction(identity: PciIdentity): PciFunction {
  const space = new Uint8Array(256);
  const view = new DataView(space.buffer);
  view.setUint16(HEADER.vendor, 0x1af4, true);
  view.setUint16(HEADER.device, 0x1040 + identity.virtioId, true);
  view.setUint16(HEADER.status, STATUS_CAPABILITIES, true);
  space[HEADER.revision] = 1;
  space[HEADER.classCode] = identity.classCode & 0xff;
  view.setUint16(HEADER.classCode + 1, identity.classCode >> 8, true);
  view.setUint16(HEADER.subsystemVendor, 0x1af4, true);
  view.setUint16(HEADER.subsystem, 0x1100, true);
  space[HEADER.interruptPin] = 1;
  const structures = [
    { type: 1, offset: VIRTIO_BAR.common, length: 0x1000, at: 0x40 },
    { type: 3, offset: VIRTIO_BAR.isr, length: 0x1000, at: 0x50 },
    { type: 4, offset: VIRTIO_BAR.device, length: 0x1000, at: 0x60 },
    { type: 2, offset: VIRTIO_BAR.notify, length: 0x1000, at: 0x70 },
    { type: 5, offset: 0, length: 0, at: WINDOW_CAPABILITY },
  ].filter(({ type }) => type !== 4 || identity.hasDeviceConfig);
  let link: number = HEADER.capabilities;
  for (const { type, offset, length, at } of structures) {
    space[link] = at;
    link = at + 1;
    space[at] = CAPABILITY_VENDOR;
    space[at + 2] = type === 2 || type === 5 ? 20 : 16;
    space[at + 3] = type;
    view.setUint32(at + 8, offset, true);
    view.setUint32(at + 12, length, true);
    if (type === 2) view.setUint32(at + 16, VIRTIO_BAR.notifyMultiplier, true);
  }
  return { space };
}

/** What an aligned read of 1, 2 or 4 bytes finds; the extended space beyond 256 bytes is empty. */
export function readConfigSpace(pci: PciFunction, offset: number, size: number): number {
  if (offset + size > pci.space.length) return 0;
  let value = 0;
  for (let i = size - 1; i >= 0; i -= 1) value = value * 256 + pci.space[offset + i]!;
  return value;
}

/** A write of 1, 2 or 4 bytes; bits that are read-only stay. */
export function writeConfigSpace(pci: PciFunction, offset: number, size: number, value: number): void {
  for (let i = 0; i < size; i += 1) {
    const at = offset + i;
    const mask = writableBits(at);
    if (mask !== 0) pci.space[at] = (pci.space[at]! & ~mask) | (Math.floor(value / 2 ** (8 * i)) & mask);
  }
}

function writableBits(at: number): number {
  if (at === HEADER.command) return COMMAND_WRITABLE;
  if (at === HEADER.interruptLine) return 0xff;
  // The BAR's address bits above its length: what sizing reads back (PCI Local Bus 3.0 §6.2.5.1).
  if (at >= HEADER.bar0 && at < HEADER.bar0 + 4) return (~(VIRTIO_BAR.length - 1) >>> (8 * (at - HEADER.bar0))) & 0xff;
  const window = at - WINDOW_CAPABILITY;
  return window === WINDOW.bar || (window >= WINDOW.offset && window < WINDOW.data) ? 0xff : 0;
}

/** Where the BAR answers now, or 0: decoding is off, or the guest put it where nothing of it could answer. */
export function decodedBar(pci: PciFunction): number {
  const address = readConfigSpace(pci, HEADER.bar0, 4);
  const { base, length } = MEMORY_MAP.pciMemory;
  const inWindow = address >= base && address + VIRTIO_BAR.length <= base + length;
  return inWindow && (pci.space[HEADER.command]! & COMMAND_MEMORY) !== 0 ? address : 0;
}

/**
 * The access that a touch of the configuration access capability's data asks for (virtio 1.2 §4.1.4.9), or undefined
 * when `offset` is elsewhere or the capability is not set to a place in the BAR.
 */
export function barWindow(pci: PciFunction, offset: number): { offset: number; size: 1 | 2 | 4 } | undefined {
  if (offset !== WINDOW_CAPABILITY + WINDOW.data) return undefined;
  const at = readConfigSpace(pci, WINDOW_CAPABILITY + WINDOW.offset, 4);
  const size = readConfigSpace(pci, WINDOW_CAPABILITY + WINDOW.length, 4);
  const bar = pci.space[WINDOW_CAPABILITY + WINDOW.bar];
  if (bar !== 0 || (size !== 1 && size !== 2 && size !== 4)) return undefined;
  return at % size === 0 && at + size <= VIRTIO_BAR.length ? { offset: at, size } : undefined;
}
