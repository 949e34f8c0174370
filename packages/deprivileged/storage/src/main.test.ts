import { closeSync, fstatSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type BlockReply,
  type BlockRequest,
  type Channel,
  type ChannelListener,
  fromStorage,
  STORE_PAYLOAD_BYTES_MAX,
  toStorage,
} from '@cloister/protocol';
import { afterAll, expect, test } from 'vitest';
import { type FileAccess, hostFiles } from './file-access.ts';
import { start } from './main.ts';
import type { Store } from './store.ts';

const BYTES = 1 << 20;
const STORE: Store = { descriptor: 10, bytes: BYTES, growable: false, writable: true, durable: true };

/** Files in memory that count what is asked of them. */
function countingFiles() {
  const contents = new Uint8Array(BYTES);
  const log: string[] = [];
  const files: FileAccess = {
    async readAt(descriptor, position, into) {
      log.push(`read ${descriptor}`);
      into.set(contents.subarray(position, position + into.length));
      return Math.min(into.length, contents.length - position);
    },
    async writeAt(descriptor, position, bytes) {
      log.push(`write ${descriptor}`);
      contents.set(bytes, position);
    },
    async sync(descriptor) {
      log.push(`sync ${descriptor}`);
    },
  };
  return { files, log };
}

function bench(stores: readonly Store[], files: FileAccess = countingFiles().files) {
  let listener: ChannelListener | undefined;
  let closed: string | undefined;
  const replies: BlockReply[] = [];
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
  const service = start(channel, stores, files);
  let id = 0;
  const tell = (request: Partial<BlockRequest>): void => {
    const whole = { store: 0, id: id++, offset: 0, length: 0, bytes: new Uint8Array(0), operation: 'read' as const };
    listener!.frame(toStorage.encode({ kind: 'block.request', ...whole, ...request }));
  };
  return {
    channel,
    service,
    replies,
    tell,
    frame: (bytes: Uint8Array) => listener!.frame(bytes),
    renew: () => listener!.renewed!(),
    async ask(request: Partial<BlockRequest>): Promise<BlockReply> {
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
  const descriptor = openSync(path, 'w+');
  const b = bench([{ ...STORE, descriptor, growable: true }], hostFiles);
  const bytes = Uint8Array.from({ length: STORE_PAYLOAD_BYTES_MAX }, (_, i) => i & 0xff);
  expect(await b.ask({ operation: 'write', offset: 4112, length: bytes.length, bytes })).toMatchObject({ ok: true });
  const read = await b.ask({ offset: 4000, length: 1000 });
  expect(read.bytes).toEqual(Uint8Array.from({ length: 1000 }, (_, i) => (i < 112 ? 0 : (i - 112) & 0xff)));
  expect((await b.ask({ offset: BYTES - 512, length: 512 })).bytes).toEqual(new Uint8Array(512));
  expect(await b.ask({ operation: 'flush' })).toMatchObject({ ok: true });
  expect(fstatSync(descriptor).size).toBe(4112 + bytes.length);
  expect(Buffer.compare(readFileSync(path).subarray(4112), bytes)).toBe(0);
  closeSync(descriptor);
});

test('a file that was to be whole and is not is an I/O error', async () => {
  writeFileSync(join(folder, 'short'), new Uint8Array(1000));
  const descriptor = openSync(join(folder, 'short'), 'r');
  const b = bench([{ ...STORE, descriptor, writable: false }], hostFiles);
  expect(await b.ask({ offset: 512, length: 512 })).toMatchObject({ ok: false });
  closeSync(descriptor);
});

test.each([
  [true, 1],
  [false, 0],
])('a flush of a store whose durability is %s syncs its file %d times', async (durable, syncs) => {
  const { files, log } = countingFiles();
  const { ask } = bench([{ ...STORE, durable }], files);
  await ask({ operation: 'write', length: 512, bytes: new Uint8Array(512) });
  expect((await ask({ operation: 'flush' })).ok).toBe(true);
  expect(log).toEqual(['write 10', ...Array(syncs).fill('sync 10')]);
});

test('what the host refuses is an I/O error', async () => {
  const refuse = () => Promise.reject(new Error('EIO'));
  const { ask } = bench([STORE], { readAt: refuse, writeAt: refuse, sync: refuse });
  for (const operation of ['read', 'write', 'flush'] as const) {
    const bytes = new Uint8Array(operation === 'write' ? 512 : 0);
    expect(await ask({ operation, length: operation === 'flush' ? 0 : 512, bytes })).toMatchObject({ ok: false });
  }
});

test.each<[string, Partial<BlockRequest>]>([
  ['about a store that was not bound', { store: 1, length: 512 }],
  ['across the end', { offset: BYTES - 512, length: 1024 }],
  ['far beyond the end', { offset: Number.MAX_SAFE_INTEGER, length: 512 }],
  ['longer than a payload may be', { length: STORE_PAYLOAD_BYTES_MAX + 1 }],
  ['to write more bytes than it says', { operation: 'write', length: 1, bytes: new Uint8Array(512) }],
  ['to write fewer bytes than it says', { operation: 'write', length: 1024, bytes: new Uint8Array(512) }],
])('a request %s is refused', async (_name, request) => {
  const { files, log } = countingFiles();
  const { ask, channel } = bench([STORE], files);
  expect(await ask(request)).toMatchObject({ ok: false, bytes: new Uint8Array(0) });
  expect([log, channel.closed]).toEqual([[], undefined]);
});

test('a store that is not writable is not written', async () => {
  const { files, log } = countingFiles();
  const { ask } = bench([{ ...STORE, writable: false }], files);
  expect(await ask({ operation: 'write', length: 512, bytes: new Uint8Array(512) })).toMatchObject({ ok: false });
  expect(log).toEqual([]);
});

test('a slice that speaks nonsense, or asks for too much at once, is cut off', () => {
  const nonsense = bench([STORE]);
  nonsense.frame(Uint8Array.of(1, 2, 3));
  expect(nonsense.channel.closed).toBe('A malformed storage request');
  const never = { ...countingFiles().files, readAt: () => new Promise<number>(() => undefined) };
  const greedy = bench([STORE], never);
  for (let i = 0; i < 1025; i += 1) greedy.tell({ length: 512 });
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
    async writeAt(descriptor, position, bytes) {
      await gate;
      await files.writeAt(descriptor, position, bytes);
    },
  };
  const b = bench([STORE], slow);
  b.tell({ id: 5, operation: 'write', length: 512, bytes: new Uint8Array(512).fill(1) });
  b.renew();
  b.tell({ id: 5, length: 512 });
  b.renew();
  b.tell({ id: 6, length: 512 });
  await new Promise((resolve) => setImmediate(resolve));
  expect(log).toEqual([]);
  release();
  await b.service.settled();
  expect(log).toEqual(['write 10', 'read 10']);
  expect(b.replies.map(({ id, bytes }) => [id, bytes[0]])).toEqual([[6, 1]]);
});
