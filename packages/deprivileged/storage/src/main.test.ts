import {
  BLOCK_PAYLOAD_BYTES_MAX,
  type BlockReply,
  type BlockRequest,
  type Channel,
  type ChannelListener,
  fromStorage,
  SECTOR_BYTES,
  toStorage,
} from '@cloister/protocol';
import { expect, test } from 'vitest';
import type { FileAccess } from './file-access.ts';
import { type DiskBinding, start } from './main.ts';

const DISK_BYTES = 1 << 20;

/** Files in memory, each as long as the disk, which count what is asked of them; a gate holds writes back. */
function countingFiles() {
  const contents = new Map<number, Uint8Array>();
  const of = (descriptor: number): Uint8Array => {
    const known = contents.get(descriptor) ?? new Uint8Array(DISK_BYTES);
    contents.set(descriptor, known);
    return known;
  };
  const log: string[] = [];
  const files: FileAccess = {
    async readAt(descriptor, position, length) {
      log.push(`read ${descriptor}`);
      return of(descriptor).slice(position, position + length);
    },
    async writeAt(descriptor, position, bytes) {
      log.push(`write ${descriptor}`);
      of(descriptor).set(bytes, position);
    },
    async sync(descriptor) {
      log.push(`sync ${descriptor}`);
    },
  };
  return { files, log };
}

/** Storage with one disk (descriptor 10, overlay 11), asked one frame at a time. */
function bench(writes: DiskBinding['writes'], files: FileAccess = countingFiles().files) {
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
  const service = start(channel, [{ descriptor: 10, bytes: DISK_BYTES, writes, overlay: 11 }], files);
  let id = 0;
  return {
    channel,
    service,
    frame: (bytes: Uint8Array) => listener!.frame(bytes),
    async ask(request: Partial<BlockRequest>): Promise<BlockReply> {
      const whole = { disk: 0, id: id++, sector: 0, sectors: 0, bytes: new Uint8Array(0), operation: 'read' as const };
      listener!.frame(toStorage.encode({ kind: 'block.request', ...whole, ...request }));
      await service.settled();
      return replies.at(-1)!;
    },
  };
}

const SECTOR = new Uint8Array(SECTOR_BYTES).fill(9);

test.each([
  ['direct', 1],
  ['direct-unsafe', 0],
  ['overlay', 0],
  ['none', 0],
] as const)('a flush of a disk whose writes are "%s" syncs its file %d times', async (writes, syncs) => {
  const { files, log } = countingFiles();
  const { ask } = bench(writes, files);
  const written = await ask({ operation: 'write', sectors: 1, bytes: SECTOR });
  expect(written.ok).toBe(writes !== 'none');
  expect(log.filter((line) => line.startsWith('sync'))).toEqual([]);
  expect((await ask({ operation: 'flush' })).ok).toBe(true);
  expect(log.filter((line) => line.startsWith('sync'))).toEqual(Array(syncs).fill('sync 10'));
});

test('a flush that the host refuses is an I/O error', async () => {
  const { files } = countingFiles();
  const { ask } = bench('direct', { ...files, sync: () => Promise.reject(new Error('EIO')) });
  expect((await ask({ operation: 'flush' })).ok).toBe(false);
});

test('a write to an overlay never touches the base', async () => {
  const { files, log } = countingFiles();
  const { ask } = bench('overlay', files);
  await ask({ operation: 'write', sector: 3, sectors: 1, bytes: SECTOR });
  await ask({ operation: 'discard', sector: 0, sectors: DISK_BYTES / SECTOR_BYTES });
  expect(log).toContain('write 11');
  expect(log).not.toContain('write 10');
});

const END = DISK_BYTES / SECTOR_BYTES;
test.each<[string, Partial<BlockRequest>]>([
  ['across the end', { sector: END - 1, sectors: 2 }],
  ['longer than a payload may be', { sectors: BLOCK_PAYLOAD_BYTES_MAX / SECTOR_BYTES + 1 }],
  ['to write more bytes than its sectors', { operation: 'write', sectors: 0, bytes: SECTOR }],
  ['to discard across the end', { operation: 'discard', sector: END - 1, sectors: 2 }],
])('a request %s is refused', async (_name, request) => {
  const { ask, channel } = bench('direct');
  expect(await ask(request)).toMatchObject({ ok: false, bytes: new Uint8Array(0) });
  expect(channel.closed).toBeUndefined();
});

test('a slice that sends too many requests is cut off', () => {
  const never = { ...countingFiles().files, readAt: () => new Promise<Uint8Array>(() => undefined) };
  const greedy = bench('direct', never);
  const one = { kind: 'block.request', disk: 0, id: 0, operation: 'read', sector: 0, sectors: 1 } as const;
  for (let i = 0; i < 1025; i += 1) greedy.frame(toStorage.encode({ ...one, bytes: new Uint8Array(0) }));
  expect(greedy.channel.closed).toBe('Too many storage requests at once');
});
