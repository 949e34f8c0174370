import type { BlockRequest } from '@cloister/protocol';
import { describe, expect, test } from 'vitest';
import { createFetchWatch, createGateBench, type GateBench } from '../../testing/gate-bench.ts';
import {
  addChain,
  allocate,
  type Buffer,
  type DriverDevice,
  FEATURE,
  get,
  put,
  startDevice,
  takeUsed,
} from '../../testing/guest-driver.ts';
import { gateReplied, serveDoorbells } from '../gate.ts';

const SECTORS = 1 << 16;
const TYPE = { read: 0, write: 1, flush: 4, getId: 8, discard: 11 } as const;

interface Disk extends GateBench {
  readonly device: DriverDevice;
}

function disk(readOnly = false): Disk {
  const bench = createGateBench([{ kind: 'block', disk: 0, sectors: SECTORS, readOnly }], 64 << 20, createFetchWatch());
  return { ...bench, device: startDevice(bench.guest, 0, FEATURE.indirect | 0x2244n) };
}

/** A request as one chain of header, data and status, the data in pieces of at most `piece` bytes. */
function ask(
  d: Disk,
  type: number,
  sector: number,
  data: { address: number; length: number; writable: boolean },
  piece = 2 ** 20,
): number {
  const [header, status] = [allocate(d.guest, 16), allocate(d.guest, 1)];
  const view = new DataView(new ArrayBuffer(16));
  view.setUint32(0, type, true);
  view.setBigUint64(8, BigInt(sector), true);
  put(d.guest, header, new Uint8Array(view.buffer));
  put(d.guest, status, Uint8Array.of(0xff));
  const buffers: Buffer[] = [{ address: header, length: 16, writable: false }];
  for (let at = 0; at < data.length; at += piece) {
    buffers.push({ ...data, address: data.address + at, length: Math.min(piece, data.length - at) });
  }
  addChain(d.guest, d.device.queues[0]!, [...buffers, { address: status, length: 1, writable: true }]);
  d.guest.bus.ring(0, 0);
  serveDoorbells(d.gate);
  return status;
}

const room = (d: Disk, length: number, writable: boolean) => ({ address: allocate(d.guest, length), length, writable });
const requests = (d: Disk): BlockRequest[] => d.sent.splice(0) as BlockRequest[];
const status = (d: Disk, address: number): number => get(d.guest, address, 1)[0]!;
const reply = (d: Disk, { id }: BlockRequest, ok: boolean, bytes = new Uint8Array(0)): void =>
  gateReplied(d.gate, { kind: 'block.reply', disk: 0, id, ok, bytes });

test('a large read leaves in messages of 128 KiB and comes together again, in any order of the answers', () => {
  const d = disk();
  const data = room(d, 300 * 1024, true);
  const at = ask(d, TYPE.read, 100, data, 4096 * 5 + 512);
  const sent = requests(d);
  expect(sent.map(({ sector, sectors }) => [sector, sectors])).toEqual([
    [100, 256],
    [356, 256],
    [612, 88],
  ]);
  for (const request of sent.reverse())
    reply(d, request, true, new Uint8Array(request.sectors * 512).fill(request.sector));
  expect(status(d, at)).toBe(0);
  expect(takeUsed(d.guest, d.device.queues[0]!)).toMatchObject({ length: 300 * 1024 + 1 });
  const bytes = get(d.guest, data.address, data.length);
  expect([bytes[0], bytes[131_071], bytes[131_072], bytes.at(-1)]).toEqual(
    [100, 100, 100, 100].map((first, i) => (first + [0, 0, 256, 512][i]!) & 0xff),
  );
});

test('what is under way is bounded, and the rest of a write is read from the guest only as it leaves', () => {
  const d = disk();
  const data = room(d, 5 * 2 ** 20, false);
  const at = ask(d, TYPE.write, 0, data);
  const first = requests(d);
  expect(first).toHaveLength(16);
  put(d.guest, data.address + 4 * 2 ** 20, Uint8Array.of(77));
  let all = 0;
  for (let round = first; round.length > 0; round = requests(d)) {
    all += round.length;
    const late = round.find(({ sector }) => sector === 8192);
    if (late !== undefined) expect(late.bytes[0]).toBe(77);
    for (const request of round) reply(d, request, true);
  }
  expect(all).toBe(40);
  expect(status(d, at)).toBe(0);
});

test('no more than 64 requests are under way; the others wait in the ring', () => {
  const d = disk();
  for (let i = 0; i < 80; i += 1) ask(d, TYPE.read, i, room(d, 512, true));
  const first = requests(d);
  expect(first).toHaveLength(64);
  for (const request of first) reply(d, request, true, new Uint8Array(512));
  expect(requests(d)).toHaveLength(16);
});

test('one failed piece fails the request, and what had not left stays', () => {
  const d = disk();
  const at = ask(d, TYPE.write, 0, room(d, 5 * 2 ** 20, false));
  const sent = requests(d);
  reply(d, sent[0]!, false);
  expect(requests(d)).toEqual([]);
  for (const request of sent.slice(1)) reply(d, request, true);
  expect(status(d, at)).toBe(1);
});

test('a slice that answers with too few bytes, twice or unasked hurts nobody', () => {
  const d = disk();
  const at = ask(d, TYPE.read, 0, room(d, 1024, true));
  const [request] = requests(d);
  reply(d, { ...request!, id: 999 }, true, new Uint8Array(1024));
  expect(status(d, at)).toBe(0xff);
  reply(d, request!, true, new Uint8Array(512));
  reply(d, request!, true, new Uint8Array(1024));
  expect(status(d, at)).toBe(1);
  expect(d.logged).toHaveLength(2);
});

describe('answers without the slice', () => {
  test.each([
    ['a read beyond the end', TYPE.read, SECTORS, 512, true, false, 1],
    ['a read that wraps', TYPE.read, Number.MAX_SAFE_INTEGER, 512, true, false, 1],
    ['a read of half a sector', TYPE.read, 0, 256, true, false, 1],
    ['a write to a read-only disk', TYPE.write, 0, 512, false, true, 1],
    ['a discard on a read-only disk', TYPE.discard, 0, 16, false, true, 1],
    ['a discard of part of a range', TYPE.discard, 0, 8, false, false, 1],
    ['an unknown type', 99, 0, 512, true, false, 2],
    ['the old SCSI command', 2, 0, 512, true, false, 2],
  ])('%s', (_name, type, sector, length, writable, readOnly, expected) => {
    const d = disk(readOnly);
    expect(status(d, ask(d, type, sector, room(d, length, writable)))).toBe(expected);
    expect([d.sent, d.logged]).toEqual([[], []]);
  });

  test('its name', () => {
    const d = disk();
    const data = room(d, 20, true);
    expect(status(d, ask(d, TYPE.getId, 0, data))).toBe(0);
    expect(new TextDecoder().decode(get(d.guest, data.address, 20))).toBe('cloister-disk-0\0\0\0\0\0');
  });
});

test('a discard may have many ranges', () => {
  const d = disk();
  const data = room(d, 32, false);
  const view = new DataView(new ArrayBuffer(32));
  view.setUint32(0, 128, true);
  view.setUint32(8, 256, true);
  view.setUint32(16, 1024, true);
  view.setUint32(24, 8, true);
  put(d.guest, data.address, new Uint8Array(view.buffer));
  const at = ask(d, TYPE.discard, 0, data);
  const sent = requests(d);
  expect(sent.map(({ operation, sector, sectors }) => [operation, sector, sectors])).toEqual([
    ['discard', 128, 256],
    ['discard', 1024, 8],
  ]);
  for (const request of sent) reply(d, request, true);
  expect(status(d, at)).toBe(0);
});

test('buffers may be cut anywhere (virtio 1.2 §2.7.4.1)', () => {
  const d = disk();
  const whole = allocate(d.guest, 16);
  const data = allocate(d.guest, 513);
  put(d.guest, data, new Uint8Array(513).fill(0xff));
  addChain(d.guest, d.device.queues[0]!, [
    { address: whole, length: 5, writable: false },
    { address: whole + 5, length: 11, writable: false },
    { address: data, length: 100, writable: true },
    { address: data + 100, length: 413, writable: true },
  ]);
  d.guest.bus.ring(0, 0);
  serveDoorbells(d.gate);
  reply(d, requests(d)[0]!, true, new Uint8Array(512).fill(5));
  const bytes = get(d.guest, data, 513);
  expect([bytes[0], bytes[99], bytes[100], bytes[511], bytes[512]]).toEqual([5, 5, 5, 5, 0]);
});
