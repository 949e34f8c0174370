import { fetchBytes, type GuestMemory, inRam, loadHalf, storeBytes, storeHalf } from './guest-memory.ts';

/** A queue's size at the most; also the longest chain, indirect or not (virtio 1.2 §2.7.5.3.1). */
export const QUEUE_SIZE_MAX = 256;

/** One virtqueue as the driver set it up, and how far the device has come in it; as it is after reset. */
export const createQueue = () => ({
  /** Descriptors; a power of two. */
  size: QUEUE_SIZE_MAX,
  /** From then on size and areas are fixed and lie in RAM. */
  enabled: false,
  /** Guest physical addresses as pairs of words {low, high}: descriptors, driver area, device area. */
  areas: [0, 0, 0, 0, 0, 0] as [number, number, number, number, number, number],
  /** Ring indices modulo 2^16. */
  nextAvailable: 0,
  nextUsed: 0,
  /** `nextUsed` when the driver was last considered for an interrupt. */
  consideredUsed: 0,
});
export type Queue = ReturnType<typeof createQueue>;

/** A buffer of a chain; it was seen to lie in RAM. */
export interface Segment {
  readonly address: number;
  readonly length: number;
  readonly part: number;
}

/** What the driver put into the ring as one request: buffers to read, then buffers to write. */
export interface Chain {
  /** Index of its first descriptor: the name by which it is returned. */
  head: number;
  readonly readable: Segment[];
  readonly writable: Segment[];
  readableBytes: number;
  writableBytes: number;
}

/** Feature bits of rings (virtio 1.2 §6). */
export const RING_FEATURE = { indirect: 1 << 28, eventIndex: 1 << 29 } as const;

/** A chain, or nothing when none waits, or what is malformed about the next one. */
export type Taken = Chain | string | undefined;

const DESCRIPTOR_BYTES = 16;
const FLAG = { next: 1, write: 2, indirect: 4 } as const;
const NO_INTERRUPT = 1;
/** What a fetch of a chain is a part of: see `FetchWatch`. */
const PART = { ring: 0, table: 1, indirect: 2, buffers: 3 } as const;
/** Where descriptors and ring entries are copied, to be looked at; nothing stays here between two chains. */
const fetched = new DataView(new ArrayBuffer(DESCRIPTOR_BYTES * QUEUE_SIZE_MAX));
const fetchedBytes = new Uint8Array(fetched.buffer);
const used = new DataView(new ArrayBuffer(8));
const usedBytes = new Uint8Array(used.buffer);

const descriptorArea = (queue: Queue): number => queue.areas[0] + queue.areas[1] * 2 ** 32;
const driverArea = (queue: Queue): number => queue.areas[2] + queue.areas[3] * 2 ** 32;
const deviceArea = (queue: Queue): number => queue.areas[4] + queue.areas[5] * 2 ** 32;
const usedEventAddress = (queue: Queue): number => driverArea(queue) + 4 + 2 * queue.size;
const availableEventAddress = (queue: Queue): number => deviceArea(queue) + 4 + 8 * queue.size;

/** Why the queue cannot be enabled as it is set up, or undefined (virtio 1.2 §2.7 has sizes and alignments). */
export function queueFault(memory: GuestMemory, queue: Queue): string | undefined {
  const areas = [
    ['descriptor', descriptorArea(queue), 16 * queue.size, 16],
    ['driver', driverArea(queue), 6 + 2 * queue.size, 2],
    ['device', deviceArea(queue), 6 + 8 * queue.size, 4],
  ] as const;
  for (const [name, address, length, alignment] of areas) {
    if (address % alignment !== 0) return `the ${name} area at 0x${address.toString(16)} is not aligned`;
    if (!inRam(memory, address, length)) return `the ${name} area at 0x${address.toString(16)} is outside RAM`;
  }
  return undefined;
}

/** Takes the next chain of an enabled queue. An empty queue asks the driver for a doorbell first, then looks again. */
export function takeChain(memory: GuestMemory, queue: Queue, features: number): Taken {
  let available = loadHalf(memory, driverArea(queue) + 2);
  if (available === queue.nextAvailable) {
    if ((features & RING_FEATURE.eventIndex) === 0) return undefined;
    storeHalf(memory, availableEventAddress(queue), queue.nextAvailable);
    available = loadHalf(memory, driverArea(queue) + 2);
    if (available === queue.nextAvailable) return undefined;
  }
  const waiting = (available - queue.nextAvailable) & 0xffff;
  if (waiting > queue.size) return `${waiting} chains wait in a queue of ${queue.size}`;
  const slot = driverArea(queue) + 4 + 2 * (queue.nextAvailable % queue.size);
  queue.nextAvailable = (queue.nextAvailable + 1) & 0xffff;
  const chain: Chain = { head: 0, readable: [], writable: [], readableBytes: 0, writableBytes: 0 };
  fetch(memory, chain, PART.ring, slot, 2);
  chain.head = fetched.getUint16(0, true);
  return readChain(memory, queue, features, chain);
}

/** Copies at most a whole table to where it is looked at, until the next one. */
function fetch(memory: GuestMemory, chain: Chain, part: number, address: number, length: number): void {
  fetchBytes(memory, chain, part, address, fetchedBytes.subarray(0, length));
}

/** The descriptors of the queue's table are fetched one by one, those of an indirect table all at once. */
function readChain(memory: GuestMemory, queue: Queue, features: number, chain: Chain): Taken {
  const seen = new Set<number>();
  let indirect = false;
  let { size } = queue;
  for (let index = chain.head; ; ) {
    const where = indirect ? 'an indirect table' : 'a chain';
    if (index >= size) return `descriptor ${index} of ${size} in ${where}`;
    if (seen.has(index)) return `descriptor ${index} comes twice in ${where}`;
    seen.add(index);
    const at = indirect ? DESCRIPTOR_BYTES * index : 0;
    if (!indirect) fetch(memory, chain, PART.table, descriptorArea(queue) + DESCRIPTOR_BYTES * index, DESCRIPTOR_BYTES);
    const flags = fetched.getUint16(at + 12, true);
    if ((flags & FLAG.indirect) === 0) {
      const fault = addSegment(memory, chain, at);
      if (fault !== undefined) return fault;
      if ((flags & FLAG.next) === 0) return chain;
      index = fetched.getUint16(at + 14, true);
    } else {
      if (indirect) return 'an indirect descriptor in an indirect table';
      if ((features & RING_FEATURE.indirect) === 0) return 'an indirect descriptor without the feature';
      if ((flags & FLAG.next) !== 0) return 'an indirect descriptor that has a next one';
      const [address, length] = [addressAt(0), lengthAt(0)];
      size = length / DESCRIPTOR_BYTES;
      if (!Number.isInteger(size) || size < 1 || size > QUEUE_SIZE_MAX) return `an indirect table of ${length} bytes`;
      if (!inRam(memory, address, length)) return `an indirect table at 0x${address.toString(16)}, outside RAM`;
      fetch(memory, chain, PART.indirect, address, length);
      indirect = true;
      seen.clear();
      index = 0;
    }
  }
}

function addSegment(memory: GuestMemory, chain: Chain, at: number): string | undefined {
  const [address, length] = [addressAt(at), lengthAt(at)];
  if (!inRam(memory, address, length)) return `a buffer at 0x${address.toString(16)} + ${length}, outside RAM`;
  const part = PART.buffers + chain.readable.length + chain.writable.length;
  if ((fetched.getUint16(at + 12, true) & FLAG.write) !== 0) {
    chain.writable.push({ address, length, part });
    chain.writableBytes += length;
  } else {
    if (chain.writable.length > 0) return 'a buffer to read after one to write';
    chain.readable.push({ address, length, part });
    chain.readableBytes += length;
  }
  return undefined;
}

/** Of the fetched descriptor. Beyond 2^53 the sum is rounded, and still far outside RAM. */
const addressAt = (at: number): number => fetched.getUint32(at, true) + fetched.getUint32(at + 4, true) * 2 ** 32;
const lengthAt = (at: number): number => fetched.getUint32(at + 8, true);

/** Fills `out` from `offset` of what the driver gave to read; the chain has that many. */
export function readFrom(memory: GuestMemory, chain: Chain, offset: number, out: Uint8Array): Uint8Array {
  inPieces(chain.readable, offset, out, (address, piece, part) => fetchBytes(memory, chain, part, address, piece));
  return out;
}

/** Stores `bytes` from `offset` of what the driver gave to write; the chain has room. */
export function writeInto(memory: GuestMemory, chain: Chain, offset: number, bytes: Uint8Array): void {
  inPieces(chain.writable, offset, bytes, (address, piece) => storeBytes(memory, address, piece));
}

/** Cuts `bytes` at the ends of the segments that they lie in from `offset` on. @throws RangeError beyond the last one */
function inPieces(
  segments: readonly Segment[],
  offset: number,
  bytes: Uint8Array,
  move: (address: number, piece: Uint8Array, part: number) => void,
): void {
  let at = 0;
  let done = 0;
  for (const { address, length, part } of segments) {
    const from = offset + done - at;
    const count = Math.min(length - from, bytes.length - done);
    if (count > 0) {
      move(address + from, count === bytes.length ? bytes : bytes.subarray(done, done + count), part);
      done += count;
    }
    at += length;
    if (done === bytes.length) break;
  }
  if (done < bytes.length) throw new RangeError(`The chain has ${at} bytes, not ${offset + bytes.length}`);
}

/** Returns a chain to the driver; `written` bytes of it were stored. */
export function returnChain(memory: GuestMemory, queue: Queue, chain: Chain, written: number): void {
  used.setUint32(0, chain.head, true);
  used.setUint32(4, written, true);
  storeBytes(memory, deviceArea(queue) + 4 + 8 * (queue.nextUsed % queue.size), usedBytes);
  queue.nextUsed = (queue.nextUsed + 1) & 0xffff;
  storeHalf(memory, deviceArea(queue) + 2, queue.nextUsed);
}

/** Whether the driver wants an interrupt for what was returned since the last question (virtio 1.2 §2.7.7, §2.7.10). */
export function wantsInterrupt(memory: GuestMemory, queue: Queue, features: number): boolean {
  const before = queue.consideredUsed;
  queue.consideredUsed = queue.nextUsed;
  if (before === queue.nextUsed) return false;
  if ((features & RING_FEATURE.eventIndex) === 0) return (loadHalf(memory, driverArea(queue)) & NO_INTERRUPT) === 0;
  const event = loadHalf(memory, usedEventAddress(queue));
  return ((queue.nextUsed - event - 1) & 0xffff) < ((queue.nextUsed - before) & 0xffff);
}
