import { spawn } from 'node:child_process';
import { Duplex } from 'node:stream';
import { CHANNEL_WINDOW_BYTES, type Channel, FRAME_BYTES_MAX, FRAME_COST_BYTES, greetingOf } from '@cloister/protocol';
import { afterEach, describe, expect, test } from 'vitest';
import { createChannelEnd } from './channel-end.ts';
import { memoryChannel } from './memory-channel.ts';
import { streamChannel } from './stream-channel.ts';

const EPOCH = new Uint8Array(16).fill(7);
const LATER = new Uint8Array(16).fill(8);
const ended: (() => void)[] = [];
afterEach(() => {
  for (const end of ended.splice(0)) end();
});

/** Two `cat` processes, one for each direction. */
function pipeChannel(): readonly [Channel, Channel] {
  const cats = [0, 1].map(() => spawn('cat', { stdio: ['pipe', 'pipe', 'ignore'] }));
  ended.push(() => {
    for (const cat of cats) cat.kill('SIGKILL');
  });
  const side = (out: number): Channel =>
    streamChannel(
      Duplex.from({ readable: cats[1 - out]!.stdout!, writable: cats[out]!.stdin! }),
      EPOCH,
      out === 0 ? 'told' : 'new',
    );
  return [side(0), side(1)];
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

async function received(channel: Channel, count: number): Promise<Uint8Array[]> {
  const frames: Uint8Array[] = [];
  return new Promise((resolve, reject) =>
    channel.listen({
      frame(frame) {
        frames.push(frame);
        if (frames.length === count) resolve(frames);
      },
      closed: (reason) => reject(new Error(reason)),
    }),
  );
}

describe.each([
  ['copied bytes', memoryChannel],
  ['child-process pipes', pipeChannel],
])('a channel over %s', (_name, create) => {
  test('delivers frames whole, in order', async () => {
    const [a, b] = create();
    const frames = [0, 1, 5, 4096, FRAME_BYTES_MAX].map((length, i) => new Uint8Array(length).fill(i + 1));
    const got = received(b, frames.length);
    for (const frame of frames) a.send(frame);
    expect((await got).map((frame) => [frame.length, frame[0] ?? 0])).toEqual([
      [0, 0],
      [1, 2],
      [5, 3],
      [4096, 4],
      [FRAME_BYTES_MAX, 5],
    ]);
  });

  test('delivers in a later turn, both ways', async () => {
    const [a, b] = create();
    let inSend = true;
    const got = new Promise<boolean>((resolve) => b.listen({ frame: () => resolve(inSend) }));
    a.send(Uint8Array.of(1));
    inSend = false;
    expect(await got).toBe(false);
    b.send(Uint8Array.of(2));
    expect(await received(a, 1)).toEqual([Uint8Array.of(2)]);
  });

  test('holds back what has no credit, and says when it is through', async () => {
    const [a, b] = create();
    let drained = 0;
    a.listen({ frame: () => {}, drained: () => (drained += 1) });
    const count = Math.ceil((3 * CHANNEL_WINDOW_BYTES) / FRAME_BYTES_MAX);
    for (let i = 0; i < count; i += 1) a.send(new Uint8Array(FRAME_BYTES_MAX).fill(i));
    expect(a.queuedBytes).toBeGreaterThan(CHANNEL_WINDOW_BYTES);
    const got = await received(b, count);
    expect(got.map((frame) => frame[7])).toEqual(got.map((_, i) => i));
    while (drained === 0) await turn();
    expect(a.queuedBytes).toBe(0);
  });

  test('closes both ends with the reason, once, after what was sent', async () => {
    const [a, b] = create();
    const log: string[] = [];
    const gone = new Promise<void>((resolve) =>
      b.listen({
        frame: (frame) => void log.push(`frame ${frame[0]}`),
        closed: (reason) => {
          log.push(reason);
          resolve();
        },
      }),
    );
    a.send(Uint8Array.of(7));
    a.close('Enough');
    a.close('Twice');
    a.send(Uint8Array.of(8));
    await gone;
    await turn();
    expect(log).toEqual(['frame 7', 'Enough']);
    expect([a.closed, b.closed]).toEqual(['Enough', 'Enough']);
  });

  test('refuses a frame beyond the maximum as the caller’s mistake', () => {
    const [a] = create();
    expect(() => a.send(new Uint8Array(FRAME_BYTES_MAX + 1))).toThrow(RangeError);
  });

  test('a receiver that throws closes the channel and no more', async () => {
    const [a, b] = create();
    const reason = new Promise<string>((resolve) => a.listen({ frame: () => {}, closed: resolve }));
    b.listen({
      frame: () => {
        throw new Error('Cannot cope');
      },
    });
    a.send(Uint8Array.of(1));
    expect(await reason).toMatch(/Cannot cope/);
  });
});

describe('a hostile peer', () => {
  const silent = { frame: () => {}, credit: () => {}, close: () => {} };

  test('that sends beyond its credit is cut off', () => {
    const end = createChannelEnd(silent);
    for (let sent = 0; sent <= CHANNEL_WINDOW_BYTES; sent += FRAME_BYTES_MAX + FRAME_COST_BYTES) {
      expect(end.channel.closed).toBeUndefined();
      end.frameArrived(new Uint8Array(FRAME_BYTES_MAX));
    }
    expect(end.channel.closed).toBe('The peer sent more than its credit');
  });

  test('that invents credit is cut off', () => {
    const end = createChannelEnd(silent);
    end.creditArrived(1);
    expect(end.channel.closed).toBe('The peer returned more credit than it was owed');
  });

  test.each([
    ['an unknown record', '0900000000'],
    ['a frame beyond the maximum', '00ffffffff'],
  ])('with %s on the pipe is cut off', async (_name, bytes) => {
    const stream = new Duplex({ read: () => {}, write: (_chunk, _encoding, done) => done() });
    const channel = streamChannel(stream, EPOCH);
    stream.push(Buffer.concat([greetingOf(EPOCH), Buffer.from(bytes, 'hex')]));
    await new Promise<void>((resolve) => channel.listen({ frame: () => {}, closed: () => resolve() }));
    expect(channel.closed).toBe('The peer sent a malformed record');
  });
});

describe('a stream whose other end is replaced', () => {
  const frame = (value: number): Buffer => Buffer.from([0, 1, 0, 0, 0, value]);
  function bench() {
    const written: Buffer[] = [];
    const stream = new Duplex({
      read: () => {},
      write(chunk: Buffer, _encoding, done) {
        written.push(chunk);
        done();
      },
    });
    const channel = streamChannel(stream, EPOCH);
    const heard: (number | string)[] = [];
    channel.listen({
      frame: ([value]) => void heard.push(value!),
      renewed: () => heard.push('renewed'),
      closed: (reason) => heard.push(reason),
    });
    return { stream, channel, heard, written };
  }

  test('hears nothing before the greeting, however it is cut', async () => {
    const bytes = Buffer.concat([
      Buffer.from('CLOIST left over'),
      greetingOf(LATER),
      greetingOf(EPOCH),
      frame(5),
      frame(6),
    ]);
    for (let cut = 1; cut < bytes.length; cut += 1) {
      const { stream, heard } = bench();
      stream.push(bytes.subarray(0, cut));
      await turn();
      stream.push(bytes.subarray(cut));
      await turn();
      expect(heard, `cut at ${cut}`).toEqual([5, 6]);
    }
  });

  test('drops the half frame of the dead one and what it sent whole, and begins anew, also when it was closed', async () => {
    const { stream, channel, heard, written } = bench();
    stream.push(Buffer.concat([greetingOf(EPOCH), frame(1), Buffer.from('0064000000', 'hex'), Buffer.alloc(50)]));
    await turn();
    channel.send(new Uint8Array(10));
    written.length = 0;
    channel.close('Enough');
    channel.renew(LATER);
    channel.send(Uint8Array.of(9));
    await turn();
    expect(Buffer.concat(written).includes(Buffer.concat([greetingOf(LATER), frame(9)]))).toBe(true);
    stream.push(Buffer.concat([Buffer.alloc(50), frame(2), frame(3)]));
    await turn();
    stream.push(Buffer.concat([greetingOf(LATER), frame(4)]));
    await turn();
    expect(heard).toEqual([1, 'Enough', 'renewed', 4]);
    expect(channel.closed).toBeUndefined();
  });

  test('a new end says nothing before it is greeted, then greets before all else', async () => {
    const { stream, channel, written } = bench();
    channel.send(Uint8Array.of(9));
    await turn();
    expect(written).toEqual([]);
    stream.push(greetingOf(EPOCH));
    await turn();
    expect(Buffer.concat(written)).toEqual(Buffer.concat([greetingOf(EPOCH), frame(9)]));
  });

  test('has its whole window again', () => {
    const { channel } = bench();
    for (let sent = 0; sent < CHANNEL_WINDOW_BYTES; sent += FRAME_BYTES_MAX)
      channel.send(new Uint8Array(FRAME_BYTES_MAX));
    expect(channel.queuedBytes).toBeGreaterThan(0);
    channel.renew(LATER);
    expect(channel.queuedBytes).toBe(0);
    channel.send(new Uint8Array(FRAME_BYTES_MAX));
    expect(channel.queuedBytes).toBe(0);
  });
});
