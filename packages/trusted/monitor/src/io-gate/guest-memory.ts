import { FRAME, frameFlags, guestRam, MEMORY_MAP, markWritten, PAGE_BYTES } from '@cloister/hardware';

/**
 * The gate's only way to guest RAM. Every range is checked, every read of a chain copies each byte once, and what runs
 * on other threads meanwhile can thus change what a guest asked for at no point after the check.
 */
export interface GuestMemory {
  /** Index 0 is guest physical address `MEMORY_MAP.ram.base`. */
  readonly ram: Uint8Array;
  readonly halves: Uint16Array;
  readonly frames: Uint8Array;
  /** How many frames the VM does not have, as the page information table counts them. */
  absent: number;
  /** Told of every fetch in the tests' form; absent in a machine. */
  readonly watch?: FetchWatch;
}

/** On whose behalf bytes are fetched: a chain; part 0 is its ring entry, 1 and 2 its descriptors, 3 and up its buffers. */
export interface FetchWatch {
  fetched(chain: object, part: number, address: number, length: number): void;
}

export function createGuestMemory(memory: SharedArrayBuffer, watch?: FetchWatch): GuestMemory {
  const ram = guestRam(memory);
  const halves = new Uint16Array(ram.buffer, ram.byteOffset, ram.length >> 1);
  return { ram, halves, frames: frameFlags(memory), absent: 0, ...(watch === undefined ? {} : { watch }) };
}

/**
 * Whether `length` bytes from guest physical `address` all lie in RAM, in frames that the VM has: an absent one is none
 * to its devices. Any number is a good question.
 */
export function inRam(memory: GuestMemory, address: number, length: number): boolean {
  const offset = address - MEMORY_MAP.ram.base;
  if (!(offset >= 0 && length >= 0 && offset + length <= memory.ram.length)) return false;
  if (memory.absent === 0) return true;
  const end = (offset + length) / PAGE_BYTES;
  for (let frame = Math.floor(offset / PAGE_BYTES); frame < end; frame += 1)
    if ((memory.frames[frame]! & FRAME.absent) !== 0) return false;
  return true;
}

/** @throws RangeError for a range outside RAM, which the caller had to rule out before. */
function offsetOf(memory: GuestMemory, address: number, length: number): number {
  if (!inRam(memory, address, length)) throw new RangeError(`${address} + ${length} is outside guest RAM`);
  return address - MEMORY_MAP.ram.base;
}

/** Fills `out` from `address` on, for part `part` of `chain`. */
export function fetchBytes(memory: GuestMemory, chain: object, part: number, address: number, out: Uint8Array): void {
  const offset = offsetOf(memory, address, out.length);
  memory.watch?.fetched(chain, part, address, out.length);
  out.set(memory.ram.subarray(offset, offset + out.length));
}

/** Stores into RAM and marks the frames, so that a fence.i of the guest fetches what was stored. */
export function storeBytes(memory: GuestMemory, address: number, bytes: Uint8Array): void {
  memory.ram.set(bytes, offsetOf(memory, address, bytes.length));
  markWritten(memory.frames, address, bytes.length);
}

/** A ring's index or flags: 16 bits at an even address, read with sequential consistency. */
export function loadHalf(memory: GuestMemory, address: number): number {
  return Atomics.load(memory.halves, offsetOf(memory, address, 2) >> 1);
}

/** Stores a ring's index; every store before it is seen by whoever sees the index. */
export function storeHalf(memory: GuestMemory, address: number, value: number): void {
  Atomics.store(memory.halves, offsetOf(memory, address, 2) >> 1, value);
  markWritten(memory.frames, address, 2);
}
