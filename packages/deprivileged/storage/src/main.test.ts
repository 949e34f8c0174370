import {
  closeSync,
  fstatSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type BlockRequest,
  type Channel,
  type ChannelListener,
  type FromStorage,
  fromStorage,
  PAYLOAD_AREA_BYTES,
  STORE_PAYLOAD_BYTES_MAX,
  type ToStorage,
  toStorage,
} from '@cloister/protocol';
import { afterAll, expect, test } from 'vitest';
import { type FileAccess, hostFiles } from './file-access.ts';
import { start } from './main.ts';
import type { Store } from './store.ts';

const BYTES = 1 << 20;
const STORE: Store = { descriptor: 10, bytes: BYTES, growable: false, writable: true, durable: true };

const AREA = 11;

/** Files in memory that count what is asked of them. */
function countingFiles() {
  const contents = new Map([
    [STORE.descriptor, new Uint8Array(BYTES)],
    [AREA, new Uint8Array(PAYLOAD_AREA_BYTES)],
  ]);
  const log: string[] = [];
  const files: FileAccess = {
    readNow(descriptor, position, into) {
      log.push(`read ${descriptor}`);
      const found = contents.get(descriptor)!.subarray(position, position + into.length);
      into.set(found);
      return found.length;
    },
    writeNow(descriptor, position, bytes) {
      log.push(`write ${descriptor}`);
      contents.get(descriptor)!.set(bytes, position);
    },
    readAt: async (...where) => files.readNow(...where),
    writeAt: async (...where) => files.writeNow(...where),
    async sync(descriptor) {
      log.push(`sync ${descriptor}`);
    },
  };
  return { files, log, area: contents.get(AREA)! };
}

function bench(stores: readonly Store[], files: FileAccess = countingFiles().files, area = AREA) {
  let listener: ChannelListener | undefined;
  let closed: string | undefined;
  const replies: FromStorage[] = [];
  const channel: Channel = {
    send: (frame) => void replies.push(fromStorage.decode(frame)!),
    queuedBytes: 0,
    get closed() {
      return closed;
    },
    listen(next) {
      listener = next;
    },
    close(reason) {
      closed ??= reason;
    },
  };
  const service = start(channel, { stores, area }, files);
  const say = (message: ToStorage): void => void listener!.frame(toStorage.encode(message));
  const tell = (request: Partial<BlockRequest>): void => {
    const whole = { store: 0, at: 0, offset: 0, length: 0, operation: 'read' as const };
    say({ kind: 'block.request', ...whole, ...request });
  };
  return {
    channel,
    service,
    replies,
    say,
    tell,
    frame: (bytes: Uint8Array) => listener!.frame(bytes),
    renew: () => listener!.renewed!(),
    async ask(request: Partial<BlockRequest>): Promise<FromStorage> {
      tell(request);
      await service.settled();
      return replies.at(-1)!;
    },
  };
}

const folder = mkdtempSync(join(tmpdir(), 'storage-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('reads what was written, and zeros where a growable file has nothing', async () => {
  const path = join(folder, 'file');
  const [descriptor, area] = [openSync(path, 'w+'), openSync(join(folder, 'area'), 'w+')];
  const b = bench([{ ...STORE, descriptor, growable: true }], hostFiles, area);
  const bytes = Uint8Array.from({ length: STORE_PAYLOAD_BYTES_MAX }, (_, i) => i & 0xff);
  writeSync(area, bytes, 0, bytes.length, 500);
  expect(await b.ask({ operation: 'write', at: 500, offset: 4112, length: bytes.length })).toMatchObject({ ok: true });
  const read = async (request: Partial<BlockRequest>): Promise<Uint8Array> => {
    const reply = await b.ask({ ...request, at: 4096 });
    expect(reply).toEqual({ kind: 'block.reply', store: 0, at: 4096, ok: true });
    const found = new Uint8Array(request.length!);
    readSync(area, found, 0, found.length, 4096);
    return found;
  };
  const expected = Uint8Array.from({ length: 1000 }, (_, i) => (i < 112 ? 0 : (i - 112) & 0xff));
  expect(await read({ offset: 4000, length: 1000 })).toEqual(expected);
  expect(await read({ offset: BYTES - 512, length: 512 })).toEqual(new Uint8Array(512));
  b.say({ kind: 'file.read', store: 0, id: 9, offset: 4000, length: 1000 });
  expect(b.replies.at(-1)).toEqual({ kind: 'file.data', id: 9, ok: true, bytes: expected });
  expect(await b.ask({ operation: 'flush' })).toMatchObject({ ok: true });
  expect(fstatSync(descriptor).size).toBe(4112 + bytes.length);
  expect(Buffer.compare(readFileSync(path).subarray(4112), bytes)).toBe(0);
  for (const open of [descriptor, area]) closeSync(open);
});

test('a file that was to be whole and is not is an I/O error', async () => {
  writeFileSync(join(folder, 'short'), new Uint8Array(1000));
  const descriptor = openSync(join(folder, 'short'), 'r');
  const b = bench([{ ...STORE, descriptor, writable: false }], hostFiles);
  expect(await b.ask({ offset: 512, length: 512 })).toMatchObject({ ok: false });
  b.say({ kind: 'file.read', store: 0, id: 9, offset: 512, length: 512 });
  expect(b.replies.at(-1)).toEqual({ kind: 'file.data', id: 9, ok: false, bytes: new Uint8Array(0) });
  closeSync(descriptor);
});

test.each([
  [true, 1],
  [false, 0],
])('a flush of a store whose durability is %s syncs its file %d times', async (durable, syncs) => {
  const { files, log } = countingFiles();
  const { ask } = bench([{ ...STORE, durable }], files);
  await ask({ operation: 'write', length: 512 });
  expect(await ask({ operation: 'flush' })).toMatchObject({ ok: true });
  expect(log).toEqual(['read 11', 'write 10', ...Array(syncs).fill('sync 10')]);
});

test('what the host refuses is an I/O error, at once or by a thread', async () => {
  const refuse = (): never => {
    throw new Error('EIO');
  };
  const later = () => Promise.reject(new Error('EIO'));
  let slow = false;
  const wait = (): never => {
    for (const from = performance.now(); slow && performance.now() - from < 5; );
    return refuse();
  };
  const b = bench([STORE], { readNow: wait, writeNow: wait, readAt: later, writeAt: later, sync: later });
  for (slow of [false, true, false])
    for (const operation of ['read', 'write', 'flush'] as const)
      expect(await b.ask({ operation, length: operation === 'flush' ? 0 : 512 })).toMatchObject({ ok: false });
});

test('after a slow move the next ones are left to threads, and the rest is at once again', async () => {
  const { files, log } = countingFiles();
  let slow = true;
  const b = bench([STORE], {
    ...files,
    readNow(...where) {
      for (const from = performance.now(); slow && performance.now() - from < 5; );
      log.push('now');
      return files.readNow(...where);
    },
  });
  b.tell({ length: 512 });
  slow = false;
  for (let i = 0; i < 40; i += 1) b.tell({ length: 512 });
  await b.service.settled();
  expect(b.replies).toHaveLength(41);
  expect(b.replies.every(({ ok }) => ok)).toBe(true);
  expect(log.filter((entry) => entry === 'now').length).toBe(41 - 32);
});

test.each<[string, Partial<BlockRequest>]>([
  ['about a store that was not bound', { store: 1, length: 512 }],
  ['across the end', { offset: BYTES - 512, length: 1024 }],
  ['far beyond the end', { offset: Number.MAX_SAFE_INTEGER, length: 512 }],
  ['longer than a payload may be', { length: STORE_PAYLOAD_BYTES_MAX + 1 }],
  ['to read to beyond the payload area', { length: 512, at: PAYLOAD_AREA_BYTES - 511 }],
  ['to write from beyond the payload area', { operation: 'write', length: 512, at: PAYLOAD_AREA_BYTES - 511 }],
  ['to write nothing', { operation: 'write' }],
])('a request %s is refused', async (_name, request) => {
  const { files, log } = countingFiles();
  const { ask, channel } = bench([STORE], files);
  expect(await ask(request)).toMatchObject({ ok: false });
  expect([log, channel.closed]).toEqual([[], undefined]);
});

test('a store that is not writable is not written', async () => {
  const { files, log } = countingFiles();
  const { ask } = bench([{ ...STORE, writable: false }], files);
  expect(await ask({ operation: 'write', length: 512 })).toMatchObject({ ok: false });
  expect(log).toEqual([]);
});

test('a slice that speaks nonsense, or asks for too much at once, is cut off', () => {
  const nonsense = bench([STORE]);
  nonsense.frame(Uint8Array.of(1, 2, 3));
  expect(nonsense.channel.closed).toBe('A malformed storage request');
  const greedy = bench([STORE], { ...countingFiles().files, sync: () => new Promise(() => undefined) });
  for (let i = 0; i < 1025; i += 1) greedy.tell({ operation: 'flush' });
  expect(greedy.channel.closed).toBe('Too many storage requests at once');
});

test('what a new slice asks waits for what the old one had under way, whose answers it never sees', async () => {
  const { files, log } = countingFiles();
  let release: () => void = () => undefined;
  const gate = new Promise<void>((resolve) => {
    release = resolve;
  });
  const slow: FileAccess = {
    ...files,
    async sync(descriptor) {
      await gate;
      await files.sync(descriptor);
    },
  };
  const b = bench([STORE], slow);
  b.tell({ at: 5, operation: 'flush' });
  b.renew();
  b.tell({ at: 5, length: 512 });
  b.renew();
  b.tell({ at: 6, length: 512 });
  await new Promise((resolve) => setImmediate(resolve));
  expect(log).toEqual([]);
  release();
  await b.service.settled();
  expect(log).toEqual(['sync 10', 'read 10', 'write 11']);
  expect(b.replies).toEqual([{ kind: 'block.reply', store: 0, at: 6, ok: true }]);
});
