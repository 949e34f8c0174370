import { type BlockRequest, PAYLOAD_AREA_BYTES, PAYLOAD_PLACE_BYTES } from '@cloister/protocol';
import { describe, expect, test } from 'vitest';
import { ask, BLOCK_TYPE, type DiskBench, room, statusAt } from '../../testing/block-driver.ts';
import { createFetchWatch, createGateBench } from '../../testing/gate-bench.ts';
import { addChain, allocate, FEATURE, get, put, startDevice, takeUsed } from '../../testing/guest-driver.ts';
import { payloadsIn } from '../../testing/memory-storage.ts';
import { gateReplied, gateResend, serveDoorbells } from '../gate.ts';

const SECTORS = 1 << 16;
function disk(readOnly = false): DiskBench {
  const bench = createGateBench(
    [{ kind: 'block', sectors: SECTORS, readOnly, backing: { kind: 'raw', store: 0 } }],
    64 << 20,
    createFetchWatch(),
  );
  return { ...bench, device: startDevice(bench.guest, 0, FEATURE.indirect | 0x2244n) };
}

const requests = (d: DiskBench): BlockRequest[] => d.sent.splice(0) as BlockRequest[];
/** What lies in the request's place. */
const payload = (d: DiskBench, { at, length }: BlockRequest): Uint8Array => d.area.slice(at, at + length);
/** Storage's answer to a request, after it has left `bytes` in its place. */
function reply(d: DiskBench, { at }: BlockRequest, ok: boolean, bytes = new Uint8Array(0)): void {
  if (bytes.length > 0) d.area.set(bytes, at);
  gateReplied(d.gate, { kind: 'block.reply', store: 0, at, ok });
}

test('a large read leaves in messages of 128 KiB and comes together again, in any order of the answers', () => {
  const d = disk();
  const data = room(d, 300 * 1024, true);
  const at = ask(d, BLOCK_TYPE.read, 100, data, 4096 * 5 + 512);
  const sent = requests(d);
  expect(sent.map(({ offset, length }) => [offset / 512, length / 512])).toEqual([
    [100, 256],
    [356, 256],
    [612, 88],
  ]);
  for (const request of sent.reverse())
    reply(d, request, true, new Uint8Array(request.length).fill(request.offset / 512));
  expect(statusAt(d, at)).toBe(0);
  expect(takeUsed(d.guest, d.device.queues[0]!)).toMatchObject({ length: 300 * 1024 + 1 });
  const bytes = get(d.guest, data.address, data.length);
  expect([bytes[0], bytes[131_071], bytes[131_072], bytes.at(-1)]).toEqual(
    [100, 100, 100, 100].map((first, i) => (first + [0, 0, 256, 512][i]!) & 0xff),
  );
});

test('what is under way is bounded, and the rest of a write is read from the guest only as it leaves', () => {
  const d = disk();
  const data = room(d, 5 * 2 ** 20, false);
  const at = ask(d, BLOCK_TYPE.write, 0, data);
  const first = requests(d);
  expect(first).toHaveLength(32);
  put(d.guest, data.address + 4 * 2 ** 20, Uint8Array.of(77));
  let all = 0;
  for (let round = first; round.length > 0; round = requests(d)) {
    all += round.length;
    const late = round.find(({ offset }) => offset === 8192 * 512);
    if (late !== undefined) expect(payload(d, late)[0]).toBe(77);
    for (const request of round) reply(d, request, true);
  }
  expect(all).toBe(40);
  expect(statusAt(d, at)).toBe(0);
});

test('no more than 32 requests are under way; the others wait in the ring', () => {
  const d = disk();
  for (let i = 0; i < 40; i += 1) ask(d, BLOCK_TYPE.read, i, room(d, 512, true));
  const first = requests(d);
  expect(first).toHaveLength(32);
  for (const request of first) reply(d, request, true, new Uint8Array(512));
  expect(requests(d)).toHaveLength(8);
});

test('one failed piece fails the request, and what had not left stays', () => {
  const d = disk();
  const at = ask(d, BLOCK_TYPE.write, 0, room(d, 5 * 2 ** 20, false));
  const sent = requests(d);
  reply(d, sent[0]!, false);
  expect(requests(d)).toEqual([]);
  for (const request of sent.slice(1)) reply(d, request, true);
  expect(statusAt(d, at)).toBe(1);
});

test('a slice that answers twice or unasked hurts nobody', () => {
  const d = disk();
  const at = ask(d, BLOCK_TYPE.read, 0, room(d, 1024, true));
  const [request] = requests(d);
  for (const place of [request!.at + 1, request!.at + PAYLOAD_PLACE_BYTES, 0xffff_ffff])
    reply(d, { ...request!, at: place }, true);
  expect(statusAt(d, at)).toBe(0xff);
  reply(d, request!, false);
  reply(d, request!, true);
  expect(statusAt(d, at)).toBe(1);
  expect(d.logged).toHaveLength(3);
});

test('an area that is shorter than it should be is an I/O error', () => {
  const d = disk();
  const cut = { ...d, gate: { ...d.gate, payloads: payloadsIn(new Uint8Array(0)) } };
  expect(statusAt(d, ask(cut, BLOCK_TYPE.write, 0, room(d, 512, false)))).toBe(1);
  const read = ask(cut, BLOCK_TYPE.read, 0, room(d, 512, true));
  reply(cut, requests(d)[0]!, true);
  expect(statusAt(d, read)).toBe(1);
  // Its place is free again.
  for (let i = 0; i < 40; i += 1) expect(statusAt(d, ask(cut, BLOCK_TYPE.write, 0, room(d, 512, false)))).toBe(1);
});

test('disks have places of their own, however many share the area', () => {
  const config = { kind: 'block', sectors: SECTORS, readOnly: false } as const;
  const bench = createGateBench([0, 1, 2].map((store) => ({ ...config, backing: { kind: 'raw', store } })));
  const places = bench.gate.devices.flatMap((device) => (device.kind === 'block' ? device.state.places : []));
  expect(places).toHaveLength(63);
  expect(new Set(places).size).toBe(63);
  expect(Math.max(...places) + PAYLOAD_PLACE_BYTES).toBeLessThanOrEqual(PAYLOAD_AREA_BYTES);
});

describe('answers without the slice', () => {
  test.each([
    ['a read beyond the end', BLOCK_TYPE.read, SECTORS, 512, true, false, 1],
    ['a read that wraps', BLOCK_TYPE.read, Number.MAX_SAFE_INTEGER, 512, true, false, 1],
    ['a read of half a sector', BLOCK_TYPE.read, 0, 256, true, false, 1],
    ['a write to a read-only disk', BLOCK_TYPE.write, 0, 512, false, true, 1],
    ['a discard on a disk that gives nothing back', BLOCK_TYPE.discard, 0, 16, false, false, 2],
    ['an unknown type', 99, 0, 512, true, false, 2],
    ['the old SCSI command', 2, 0, 512, true, false, 2],
  ])('%s', (_name, type, sector, length, writable, readOnly, expected) => {
    const d = disk(readOnly);
    expect(statusAt(d, ask(d, type, sector, room(d, length, writable)))).toBe(expected);
    expect([d.sent, d.logged]).toEqual([[], []]);
  });

  test('its name', () => {
    const d = disk();
    const data = room(d, 20, true);
    expect(statusAt(d, ask(d, BLOCK_TYPE.getId, 0, data))).toBe(0);
    expect(new TextDecoder().decode(get(d.guest, data.address, 20))).toBe('cloister-disk-0\0\0\0\0\0');
  });
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

test('a write waits for what is under way on its bytes, a read for a write alone', () => {
  const d = disk();
  const [first, second] = [room(d, 1024, true), room(d, 1024, true)];
  ask(d, BLOCK_TYPE.read, 0, first);
  ask(d, BLOCK_TYPE.read, 1, second);
  const reads = requests(d);
  expect(reads).toHaveLength(2);
  const write = ask(d, BLOCK_TYPE.write, 1, room(d, 512, false));
  ask(d, BLOCK_TYPE.read, 100, room(d, 512, true));
  // What comes after it waits behind it.
  expect(requests(d)).toEqual([]);
  reply(d, reads[0]!, true, new Uint8Array(1024));
  expect(requests(d)).toEqual([]);
  reply(d, reads[1]!, true, new Uint8Array(1024));
  const after = requests(d);
  expect(after.map(({ operation, offset }) => [operation, offset])).toEqual([
    ['write', 512],
    ['read', 51_200],
  ]);
  const again = ask(d, BLOCK_TYPE.read, 1, first);
  expect(requests(d)).toEqual([]);
  reply(d, after[0]!, true);
  expect(statusAt(d, write)).toBe(0);
  const [last] = requests(d);
  reply(d, last!, true, new Uint8Array(1024));
  expect(statusAt(d, again)).toBe(0);
});

test('what was not answered is sent again as it left, and is answered once', () => {
  const d = disk();
  const data = room(d, 512, false);
  put(d.guest, data.address, new Uint8Array(512).fill(7));
  const write = ask(d, BLOCK_TYPE.write, 3, data);
  ask(d, BLOCK_TYPE.read, 10, room(d, 512, true));
  const [first, second] = requests(d);
  reply(d, second!, true, new Uint8Array(512));
  put(d.guest, data.address, new Uint8Array(512).fill(8));
  gateResend(d.gate);
  const again = d.sent.splice(0);
  expect(again).toEqual([first]);
  expect(payload(d, first!)).toEqual(new Uint8Array(512).fill(7));
  reply(d, first!, true);
  reply(d, first!, true);
  expect(statusAt(d, write)).toBe(0);
  expect(d.logged).toEqual([expect.stringMatching(/wrong answer 1: .* which was not asked/)]);
});

test('a slice that answers wrongly without end fills no log', () => {
  const d = disk();
  for (let at = 0; at < 1000; at += 1) gateReplied(d.gate, { kind: 'block.reply', store: 0, at, ok: true });
  expect(d.logged).toHaveLength(10);
});
