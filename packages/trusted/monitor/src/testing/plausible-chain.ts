import { MEMORY_MAP } from '@cloister/hardware';
import { BLOCK_BYTES, SECTOR_BYTES } from '@cloister/protocol';
import type { Buffer, DriverQueue, Guest } from './guest-driver.ts';

const SECTORS_A_BLOCK = BLOCK_BYTES / SECTOR_BYTES;

/** Whole numbers below its argument. */
type Random = (below: number) => number;

/** Where the chain's small buffers may lie: guest physical. */
interface Room {
  readonly from: number;
  readonly bytes: number;
}

/**
 * Buffers as a driver would make them for this device and queue, mostly: chains that get far into the gate, beside the
 * random ones that its first checks stop. What the device reads is written into guest RAM.
 */
export function plausibleBuffers(
  guest: Guest,
  kind: 'block' | 'console' | 'rng',
  queue: DriverQueue,
  room: Room,
  random: Random,
): Buffer[] {
  const pick = <T>(values: readonly T[]): T => values[random(values.length)]!;
  const small = (length: number, writable: boolean): Buffer => ({
    address: room.from + random(room.bytes - length),
    length,
    writable,
  });
  const filled = (bytes: Uint8Array): Buffer => {
    const buffer = small(bytes.length, false);
    guest.ram.set(bytes, buffer.address - MEMORY_MAP.ram.base);
    return buffer;
  };
  const several = (writable: boolean): Buffer[] =>
    Array.from({ length: 1 + random(4) }, () => small(random(600), writable));
  if (kind === 'rng') return several(true);
  if (kind === 'block') {
    const type = pick([0, 0, 1, 1, 4, 8, 11, 11, 13]);
    const header = new DataView(new ArrayBuffer(16));
    header.setUint32(0, type, true);
    // On an overlay what is no whole block goes no further; half of the requests are whole ones.
    const unit = pick([1, SECTORS_A_BLOCK]);
    header.setUint32(8, pick([0, unit, 13 * unit, 2048 - unit, 2048]), true);
    if (random(64) === 0) header.setUint32(12, random(2 ** 31), true);
    const status = small(1, true);
    const first = filled(new Uint8Array(header.buffer));
    if (type === 11) {
      const ranges = new DataView(new ArrayBuffer(16 * (1 + random(3))));
      for (let at = 0; at < ranges.byteLength; at += 16) {
        ranges.setUint32(at, unit * random(Math.floor(2100 / unit)), true);
        ranges.setUint32(at + 8, unit * random(Math.floor(300 / unit)), true);
        ranges.setUint32(at + 12, random(16) === 0 ? 1 : 0, true);
      }
      return [first, filled(new Uint8Array(ranges.buffer)), status];
    }
    // Sometimes more than one request's payload, so that it is cut; cut into uneven buffers.
    const length = SECTOR_BYTES * unit * random(random(6) === 0 ? 600 / unit : 9);
    const cutAt = random(length + 1);
    const address = MEMORY_MAP.ram.base + random(guest.ram.length / 2);
    const writable = type === 0 || type === 8;
    const data = [
      { address, length: cutAt, writable },
      { address: address + cutAt, length: length - cutAt, writable },
    ];
    return type === 4 ? [first, status] : [first, ...data, status];
  }
  if (queue.index === 3) {
    const event = new DataView(new ArrayBuffer(8 + random(2) * 8));
    event.setUint32(0, random(4), true);
    event.setUint16(4, pick([0, 3, 3, 6, 6, 6, random(9)]), true);
    event.setUint16(6, pick([0, 1, 1, 1]), true);
    return [filled(new Uint8Array(event.buffer))];
  }
  return several(queue.index % 2 === 0);
}
