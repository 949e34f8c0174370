import { FRAME_FLAGS, PAGE_BYTES } from '../layout.ts';
import { MEMORY_MAP } from '../memory-map.ts';

/** Flags of a guest frame. An absent one is a `frame-fault` exit of whoever touches it; the monitor's table says why it is. */
export const FRAME = {
  absent: 1,
  readOnly: 2,
  /** Was stored to since the flag was cleared: set by the first write-TLB fill and by device writes. */
  dirty: 4,
  /** Some hart holds predecoded instructions of it. */
  code: 8,
  /** Was stored to since it was decoded; the next fence.i drops the decoded form. */
  stale: 16,
} as const;

export function frameFlags(memory: SharedArrayBuffer): Uint8Array {
  return new Uint8Array(memory, FRAME_FLAGS.base, FRAME_FLAGS.length);
}

/**
 * Marks the frames of a device's write into guest RAM as dirty, and as stale where they hold code, so that a fence.i
 * after the device's interrupt fetches what it wrote. `address` is guest physical, `length` in bytes; both were checked.
 */
export function markWritten(flags: Uint8Array, address: number, length: number): void {
  if (length === 0) return;
  const first = Math.floor((address - MEMORY_MAP.ram.base) / PAGE_BYTES);
  const last = Math.floor((address + length - 1 - MEMORY_MAP.ram.base) / PAGE_BYTES);
  for (let frame = first; frame <= last; frame += 1) {
    Atomics.or(flags, frame, (flags[frame]! & FRAME.code) !== 0 ? FRAME.dirty | FRAME.stale : FRAME.dirty);
  }
}
