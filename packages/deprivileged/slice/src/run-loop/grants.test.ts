import { type Channel, type ChannelListener, fromScheduler, type Grant } from '@cloister/protocol';
import { expect, test } from 'vitest';
import { scheduled } from './grants.ts';

function bench() {
  let asked = 0;
  let listener: ChannelListener | undefined;
  const channel: Channel = {
    send: () => {
      asked += 1;
    },
    queuedBytes: 0,
    closed: undefined,
    listen: (next) => {
      listener = next;
    },
    close: () => undefined,
  };
  const used: bigint[] = [];
  const grants = scheduled(channel);
  return {
    used,
    asked: () => asked,
    next: () => grants.next(({ sequence }: Grant) => void used.push(sequence)),
    grant: (sequence: bigint) =>
      listener!.frame(
        fromScheduler.encode({ kind: 'run.grant', microseconds: 1000, sequence, mac: new Uint8Array(16) }),
      ),
    renewed: () => listener!.renewed!(),
  };
}

test('each grant is used once and in order, and some are asked for ahead', () => {
  const b = bench();
  b.next();
  expect([b.asked(), b.used]).toEqual([1, []]);
  b.grant(1n);
  expect([b.asked(), b.used]).toEqual([2, [1n]]);
  b.grant(2n);
  b.grant(3n);
  b.grant(4n);
  expect([b.asked(), b.used]).toEqual([4, [1n]]);
  b.next();
  expect([b.asked(), b.used]).toEqual([5, [1n, 2n]]);
});

test('a scheduler that was restarted is asked again', () => {
  const b = bench();
  b.next();
  b.renewed();
  expect(b.asked()).toBe(2);
  b.grant(5n);
  expect(b.used).toEqual([5n]);
});
