import { guestRam, MEMORY_MAP, VIRTIO_BAR } from '@cloister/hardware';

/** How a driver reaches device registers: the gate's own functions, or exits of a hart. */
export interface Bus {
  read(address: number, size: 1 | 2 | 4 | 8): bigint;
  write(address: number, size: 1 | 2 | 4 | 8, value: bigint): void;
  /** A store to a notify register. */
  ring(device: number, queue: number): void;
}

/** A guest without a hart: TypeScript that does to rings and registers what a kernel's virtio driver does. */
export interface Guest {
  readonly bus: Bus;
  readonly ram: Uint8Array;
  readonly view: DataView;
  readonly halves: Uint16Array;
  /** Next free guest physical address. */
  free: number;
}

export interface DriverDevice {
  readonly number: number;
  readonly bar: number;
  readonly features: bigint;
  readonly queues: readonly DriverQueue[];
}

export interface DriverQueue {
  readonly device: number;
  readonly index: number;
  readonly size: number;
  readonly descriptors: number;
  readonly available: number;
  readonly used: number;
  readonly eventIndex: boolean;
  nextDescriptor: number;
  availableIndex: number;
  usedSeen: number;
}

export interface Buffer {
  readonly address: number;
  readonly length: number;
  readonly writable: boolean;
}

export const FEATURE = { indirect: 1n << 28n, eventIndex: 1n << 29n, version1: 1n << 32n } as const;

export function createGuest(memory: SharedArrayBuffer, bus: Bus): Guest {
  const ram = guestRam(memory);
  return {
    bus,
    ram,
    view: new DataView(ram.buffer, ram.byteOffset, ram.length),
    halves: new Uint16Array(ram.buffer, ram.byteOffset, ram.length >> 1),
    free: MEMORY_MAP.ram.base + 0x10_0000,
  };
}

/** Room in guest RAM, zeroed. */
export function allocate(guest: Guest, length: number, alignment = 16): number {
  const address = Math.ceil(guest.free / alignment) * alignment;
  guest.free = address + length;
  guest.ram.fill(0, address - MEMORY_MAP.ram.base, guest.free - MEMORY_MAP.ram.base);
  return address;
}

export const put = (guest: Guest, address: number, bytes: Uint8Array): void =>
  guest.ram.set(bytes, address - MEMORY_MAP.ram.base);

export const get = (guest: Guest, address: number, length: number): Uint8Array =>
  guest.ram.slice(address - MEMORY_MAP.ram.base, address - MEMORY_MAP.ram.base + length);

const at = (address: number): number => address - MEMORY_MAP.ram.base;

export const configAddress = (device: number, register: number): number =>
  MEMORY_MAP.pciConfig.base + device * 0x8000 + register;

/** The PCI device number of the first virtio device with this ID, or -1. */
export function findDevice(guest: Guest, virtioId: number, nth = 0): number {
  let seen = 0;
  for (let device = 0; device < 32; device += 1) {
    const id = guest.bus.read(configAddress(device, 0), 4);
    if (id === (BigInt(0x1040 + virtioId) << 16n) + 0x1af4n && seen++ === nth) return device;
  }
  return -1;
}

/** Gives the BAR an address and finds the structures, as a kernel's PCI core does. Returns the BAR's address. */
export function assignBar(guest: Guest, device: number): number {
  const { bus } = guest;
  bus.write(configAddress(device, 0x10), 4, 0xffff_ffffn);
  const size = Number(~bus.read(configAddress(device, 0x10), 4) & 0xffff_ffffn) + 1;
  const bar = MEMORY_MAP.pciMemory.base + device * size;
  bus.write(configAddress(device, 0x10), 4, BigInt(bar));
  bus.write(configAddress(device, 0x04), 2, 6n);
  return bar;
}

/** Reset to DRIVER_OK (virtio 1.2 §3.1.1) with the wanted features that are offered; queues of at most `size`. */
export function startDevice(guest: Guest, number: number, wanted: bigint, size = 256): DriverDevice {
  const { bus } = guest;
  const bar = assignBar(guest, number);
  const write = (offset: number, width: 1 | 2 | 4, value: bigint): void => bus.write(bar + offset, width, value);
  const read = (offset: number, width: 1 | 2 | 4): bigint => bus.read(bar + offset, width);
  write(0x14, 1, 0n);
  if (read(0x14, 1) !== 0n) throw new Error('The device does not reset');
  write(0x14, 1, 1n);
  write(0x14, 1, 3n);
  write(0x00, 4, 0n);
  let offered = read(0x04, 4);
  write(0x00, 4, 1n);
  offered |= read(0x04, 4) << 32n;
  const features = offered & (wanted | FEATURE.version1);
  write(0x08, 4, 0n);
  write(0x0c, 4, features & 0xffff_ffffn);
  write(0x08, 4, 1n);
  write(0x0c, 4, features >> 32n);
  write(0x14, 1, 11n);
  if ((read(0x14, 1) & 8n) === 0n) throw new Error('The device refuses its features');
  const count = Number(read(0x12, 2));
  const queues = Array.from({ length: count }, (_, index) => setUpQueue(guest, bar, number, index, size, features));
  write(0x14, 1, 15n);
  return { number, bar, features, queues };
}

function setUpQueue(
  guest: Guest,
  bar: number,
  device: number,
  index: number,
  limit: number,
  features: bigint,
): DriverQueue {
  const { bus } = guest;
  bus.write(bar + 0x16, 2, BigInt(index));
  const size = Math.min(Number(bus.read(bar + 0x18, 2)), limit);
  bus.write(bar + 0x18, 2, BigInt(size));
  const descriptors = allocate(guest, 16 * size, 16);
  const available = allocate(guest, 6 + 2 * size, 2);
  const used = allocate(guest, 6 + 8 * size, 4);
  [descriptors, available, used].forEach((area, i) => {
    bus.write(bar + 0x20 + 8 * i, 4, BigInt(area % 2 ** 32));
    bus.write(bar + 0x24 + 8 * i, 4, BigInt(Math.floor(area / 2 ** 32)));
  });
  bus.write(bar + 0x1c, 2, 1n);
  const eventIndex = (features & FEATURE.eventIndex) !== 0n;
  return {
    device,
    index,
    size,
    descriptors,
    available,
    used,
    eventIndex,
    nextDescriptor: 0,
    availableIndex: 0,
    usedSeen: 0,
  };
}

export function writeDescriptor(
  guest: Guest,
  table: number,
  index: number,
  { address, length, flags, next }: { address: number; length: number; flags: number; next: number },
): void {
  const offset = at(table) + 16 * index;
  guest.view.setUint32(offset, address % 2 ** 32, true);
  guest.view.setUint32(offset + 4, Math.floor(address / 2 ** 32), true);
  guest.view.setUint32(offset + 8, length, true);
  guest.view.setUint16(offset + 12, flags, true);
  guest.view.setUint16(offset + 14, next, true);
}

/** Puts a chain into the ring and makes it available. Descriptors are taken round-robin. Returns its head. */
export function addChain(guest: Guest, queue: DriverQueue, buffers: readonly Buffer[], indirect = false): number {
  const head = queue.nextDescriptor;
  const table = indirect ? allocate(guest, 16 * buffers.length, 16) : queue.descriptors;
  buffers.forEach(({ address, length, writable }, i) => {
    const index = indirect ? i : (head + i) % queue.size;
    const last = i === buffers.length - 1;
    const next = indirect ? i + 1 : (head + i + 1) % queue.size;
    writeDescriptor(guest, table, index, { address, length, flags: (writable ? 2 : 0) | (last ? 0 : 1), next });
  });
  if (indirect) {
    writeDescriptor(guest, queue.descriptors, head, { address: table, length: 16 * buffers.length, flags: 4, next: 0 });
  }
  queue.nextDescriptor = (head + (indirect ? 1 : buffers.length)) % queue.size;
  makeAvailable(guest, queue, head);
  return head;
}

export function makeAvailable(guest: Guest, queue: DriverQueue, head: number): void {
  const slot = at(queue.available) + 4 + 2 * (queue.availableIndex % queue.size);
  guest.view.setUint16(slot, head, true);
  queue.availableIndex = (queue.availableIndex + 1) & 0xffff;
  Atomics.store(guest.halves, (at(queue.available) + 2) >> 1, queue.availableIndex);
}

/** Rings the doorbell, unless the device said that it looks by itself (virtio 1.2 §2.7.13.3). Says whether it rang. */
export function kick(guest: Guest, queue: DriverQueue, added = 1): boolean {
  if (queue.eventIndex) {
    const event = Atomics.load(guest.halves, (at(queue.used) + 4 + 8 * queue.size) >> 1);
    if (((queue.availableIndex - event - 1) & 0xffff) >= added) return false;
  }
  guest.bus.ring(queue.device, queue.index);
  return true;
}

/** The next returned chain: its head and how many bytes the device stored. Asks for an interrupt when there is none. */
export function takeUsed(guest: Guest, queue: DriverQueue): { head: number; length: number } | undefined {
  const index = Atomics.load(guest.halves, (at(queue.used) + 2) >> 1);
  if (queue.eventIndex) Atomics.store(guest.halves, (at(queue.available) + 4 + 2 * queue.size) >> 1, queue.usedSeen);
  if (index === queue.usedSeen) return undefined;
  const element = at(queue.used) + 4 + 8 * (queue.usedSeen % queue.size);
  queue.usedSeen = (queue.usedSeen + 1) & 0xffff;
  return { head: guest.view.getUint32(element, true), length: guest.view.getUint32(element + 4, true) };
}

/** Reads the ISR register, which lowers the interrupt line. */
export const acknowledge = (guest: Guest, device: DriverDevice): number =>
  Number(guest.bus.read(device.bar + VIRTIO_BAR.isr, 1));
