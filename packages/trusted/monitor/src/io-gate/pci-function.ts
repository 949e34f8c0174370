import { MEMORY_MAP, VIRTIO_BAR } from '@cloister/hardware';
import { numberAt, structureOf } from '../little-endian.ts';

/** The configuration space of one virtio function: 256 bytes, of which one BAR. The extended space beyond is empty. */
export interface PciFunction {
  /** As the guest reads it, but for the window into the BAR (`barWindow`). */
  readonly space: Uint8Array;
  /** The bits that a guest can change; the others are hard-wired. */
  readonly writable: Uint8Array;
}

export interface PciIdentity {
  /** Virtio device ID (virtio 1.2 §5). */
  readonly virtioId: number;
  /** Class, subclass and programming interface, 24 bits. */
  readonly classCode: number;
}

/** A register: its value after reset, and the bits of it that a guest can change. */
type Register = readonly [at: number, width: number, value: number, writable?: number];

const COMMAND = 0x04;
const COMMAND_MEMORY = 2;
const COMMAND_MASTER = 4;
const BAR0 = 0x10;
/** The capability through which all of the BAR can be reached without the BAR. */
const WINDOW = 0xa0;
const WINDOW_DATA = WINDOW + 16;

/** A type 0 header (PCI Local Bus 3.0 §6.1). There is no MSI-X: INTA alone. */
const headerOf = ({ virtioId, classCode }: PciIdentity): Readonly<Record<string, Register>> => ({
  vendor: [0x00, 2, 0x1af4],
  device: [0x02, 2, 0x1040 + virtioId],
  command: [COMMAND, 2, 0, COMMAND_MEMORY | COMMAND_MASTER],
  statusHasCapabilities: [0x06, 2, 0x10],
  revision: [0x08, 1, 1],
  classCode: [0x09, 3, classCode],
  // The address bits above its length: what sizing reads back (PCI Local Bus 3.0 §6.2.5.1).
  bar0: [BAR0, 4, 0, 2 ** 32 - VIRTIO_BAR.length],
  subsystemVendor: [0x2c, 2, 0x1af4],
  subsystem: [0x2e, 2, 0x1100],
  capabilities: [0x34, 1, 0x40],
  interruptLine: [0x3c, 1, 0, 0xff],
  interruptPin: [0x3d, 1, 1],
});

/** A virtio structure capability (virtio 1.2 §4.1.4) of so many bytes; the next one is at `next`, or nowhere: 0. */
const capability = (at: number, next: number, type: number, bytes: number, offset: number): readonly Register[] => [
  [at, 1, 0x09],
  [at + 1, 1, next],
  [at + 2, 1, bytes],
  [at + 3, 1, type],
  [at + 8, 4, offset],
  [at + 12, 4, 0x1000],
];

const CAPABILITIES: readonly Register[] = [
  ...capability(0x40, 0x50, 1, 16, VIRTIO_BAR.common),
  ...capability(0x50, 0x60, 3, 16, VIRTIO_BAR.isr),
  ...capability(0x60, 0x70, 4, 16, VIRTIO_BAR.device),
  ...capability(0x70, WINDOW, 2, 20, VIRTIO_BAR.notify),
  [0x80, 4, VIRTIO_BAR.notifyMultiplier],
  ...capability(WINDOW, 0, 5, 20, 0),
  // Of the window the guest says bar, offset and length.
  [WINDOW + 4, 1, 0, 0xff],
  [WINDOW + 8, 4, 0, 0xffff_ffff],
  [WINDOW + 12, 4, 0, 0xffff_ffff],
];

/** A function as it is after reset, without an address. */
export function createPciFunction(identity: PciIdentity): PciFunction {
  const registers = [...Object.values(headerOf(identity)), ...CAPABILITIES];
  return {
    space: structureOf(256, registers),
    writable: structureOf(
      256,
      registers.map(([at, width, , writable = 0]) => [at, width, writable]),
    ),
  };
}

/** A write of 1, 2 or 4 bytes; bits that are read-only stay. */
export function writeConfigSpace({ space, writable }: PciFunction, offset: number, size: number, value: number): void {
  for (let at = offset; at < Math.min(offset + size, space.length); at += 1) {
    const byte = Math.floor(value / 2 ** (8 * (at - offset)));
    space[at] = (space[at]! & ~writable[at]!) | (byte & writable[at]!);
  }
}

/** Where the BAR answers now, or 0: decoding is off, or the guest put it where nothing of it could answer. */
export function decodedBar({ space }: PciFunction): number {
  const address = numberAt(space, BAR0, 4);
  const { base, length } = MEMORY_MAP.pciMemory;
  const inWindow = address >= base && address + VIRTIO_BAR.length <= base + length;
  return inWindow && (space[COMMAND]! & COMMAND_MEMORY) !== 0 ? address : 0;
}

/**
 * The access that a touch of the configuration access capability's data asks for (virtio 1.2 §4.1.4.9), or undefined
 * when `offset` is elsewhere or the capability is not set to a place in the BAR.
 */
export function barWindow({ space }: PciFunction, offset: number): { offset: number; size: number } | undefined {
  if (offset !== WINDOW_DATA || space[WINDOW + 4] !== 0) return undefined;
  const at = numberAt(space, WINDOW + 8, 4);
  const size = numberAt(space, WINDOW + 12, 4);
  if (size !== 1 && size !== 2 && size !== 4) return undefined;
  return at % size === 0 && at + size <= VIRTIO_BAR.length ? { offset: at, size } : undefined;
}
