import { type BlockRequest, type Channel, type ChannelListener, fromStorage, toStorage } from '@cloister/protocol';
import { expect, test } from 'vitest';
import { serveDisks } from './block-service.ts';
import type { Disk } from './disk.ts';

function bench(readOnly = false) {
  const contents = new Uint8Array(4096);
  const calls: string[] = [];
  const disk: Disk = {
    bytes: contents.length,
    readOnly,
    read: async (offset, length) => contents.slice(offset, offset + length),
    write: async (offset, bytes) => {
      if (offset === 1024) throw new Error('No space is left');
      contents.set(bytes, offset);
    },
    flush: async () => void calls.push('flush'),
    discard: async (offset, length) => void calls.push(`discard ${offset} ${length}`),
  };
  const replies: unknown[] = [];
  let listener: ChannelListener | undefined;
  let closed: string | undefined;
  const channel: Channel = {
    send: (frame) => replies.push(fromStorage.decode(frame)),
    queuedBytes: 0,
    get closed() {
      return closed;
    },
    listen: (next) => {
      listener = next;
    },
    close: (reason) => {
      closed = reason;
    },
  };
  const service = serveDisks(channel, [disk]);
  const ask = async (request: Partial<BlockRequest>): Promise<unknown> => {
    const bytes = new Uint8Array(0);
    listener!.frame(
      toStorage.encode({
        kind: 'block.request',
        disk: 0,
        id: 9,
        operation: 'read',
        sector: 0,
        sectors: 0,
        bytes,
        ...request,
      }),
    );
    await service.settled();
    return replies.pop();
  };
  return { ask, calls, contents, channel, sayBytes: (frame: Uint8Array) => listener!.frame(frame) };
}

const answer = (ok: boolean, bytes = new Uint8Array(0)) => ({ kind: 'block.reply', disk: 0, id: 9, ok, bytes });

test('reads, writes, flushes and discards', async () => {
  const b = bench();
  expect(await b.ask({ operation: 'write', sector: 1, sectors: 1, bytes: new Uint8Array(512).fill(3) })).toEqual(
    answer(true),
  );
  expect(await b.ask({ sector: 0, sectors: 2 })).toEqual(
    answer(
      true,
      Uint8Array.from({ length: 1024 }, (_, i) => (i < 512 ? 0 : 3)),
    ),
  );
  expect(await b.ask({ operation: 'flush' })).toEqual(answer(true));
  expect(await b.ask({ operation: 'discard', sector: 2, sectors: 3 })).toEqual(answer(true));
  expect(b.calls).toEqual(['flush', 'discard 1024 1536']);
});

test.each<[string, Partial<BlockRequest>]>([
  ['a disk that was not bound', { disk: 1, sectors: 1 }],
  ['sectors beyond the end', { sector: 8, sectors: 1 }],
  ['a sector number that wraps', { sector: Number.MAX_SAFE_INTEGER, sectors: 1 }],
  ['a read of nothing', { sectors: 0 }],
  ['a write of other bytes than it says', { operation: 'write', sectors: 2, bytes: new Uint8Array(512) }],
  ['a write that the host refuses', { operation: 'write', sector: 2, sectors: 1, bytes: new Uint8Array(512) }],
])('refuses %s', async (_name, request) => {
  expect(await bench().ask(request)).toEqual({ ...answer(false), disk: request.disk ?? 0 });
});

test('a read-only disk is', async () => {
  const b = bench(true);
  expect(await b.ask({ operation: 'write', sectors: 1, bytes: new Uint8Array(512) })).toEqual(answer(false));
  expect(await b.ask({ operation: 'discard', sectors: 1 })).toEqual(answer(false));
});

test('a slice that speaks nonsense is cut off', () => {
  const b = bench();
  b.sayBytes(Uint8Array.of(1, 2, 3));
  expect(b.channel.closed).toBe('A malformed storage request');
});
