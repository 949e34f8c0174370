import { Writable } from 'node:stream';
import { RECORD_HEADER_BYTES } from '@cloister/protocol';
import { expect, test } from 'vitest';
import { createOutbox } from './outbox.ts';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A descriptor that takes at once as many bytes as `takes` says, and the stream over it, which is slow. */
function descriptor(takes: () => number) {
  const arrived: number[] = [];
  const waiting: (() => void)[] = [];
  const counts = { now: 0, later: 0 };
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      counts.later += 1;
      arrived.push(...chunk);
      waiting.push(done);
    },
  });
  const writeNow = (bytes: Uint8Array): number => {
    counts.now += 1;
    const taken = bytes.subarray(0, takes());
    arrived.push(...taken);
    return taken.length;
  };
  const drain = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      next();
      await turn();
    }
  };
  return { arrived, counts, drain, outbox: createOutbox(stream as never, writeNow) };
}

const GREETING = Uint8Array.of(1, 2, 3);
const record = (...contents: number[]): number[] => [0, contents.length, 0, 0, 0, ...contents];

test('what a turn posts leaves in one write, past the stream', async () => {
  const d = descriptor(() => 1000);
  d.outbox.open(GREETING);
  await d.drain();
  for (let i = 0; i < 8; i += 1) d.outbox.post('frame', Uint8Array.of(i, i));
  expect(d.arrived).toEqual([...GREETING]);
  await turn();
  expect(d.arrived.slice(GREETING.length)).toEqual([0, 1, 2, 3, 4, 5, 6, 7].flatMap((i) => record(i, i)));
  expect(d.counts).toEqual({ now: 1, later: 1 });
});

test('what the descriptor does not take goes through the stream, and what comes after it waits behind', async () => {
  for (let taken = 0; taken <= 2 * RECORD_HEADER_BYTES + 2; taken += 1) {
    const d = descriptor(() => taken);
    d.outbox.open(GREETING);
    await d.drain();
    d.outbox.post('frame', Uint8Array.of(7));
    d.outbox.post('frame', Uint8Array.of(8));
    await turn();
    d.outbox.post('frame', new Uint8Array(40_000).fill(9));
    await turn();
    d.outbox.post('frame', Uint8Array.of(10));
    await turn();
    await d.drain();
    const [first, second] = [record(7), record(8)];
    const long = [0, 40_000 & 0xff, 40_000 >> 8, 0, 0, ...Array(40_000).fill(9)];
    expect(
      Buffer.compare(Buffer.from(d.arrived), Buffer.from([...GREETING, ...first, ...second, ...long, ...record(10)])),
    ).toBe(0);
  }
});

test('what waits for a greeting follows it, and what was posted to an earlier far end is dropped', async () => {
  const d = descriptor(() => 1000);
  d.outbox.post('frame', Uint8Array.of(1));
  await turn();
  expect(d.arrived).toEqual([]);
  d.outbox.open(GREETING);
  await d.drain();
  d.outbox.post('frame', Uint8Array.of(2));
  d.outbox.hold();
  d.outbox.post('frame', Uint8Array.of(3));
  await turn();
  d.outbox.open(GREETING);
  await turn();
  await d.drain();
  expect(d.arrived).toEqual([...GREETING, ...record(1), ...GREETING, ...record(3)]);
});
