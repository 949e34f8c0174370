import { createHmac, randomBytes } from 'node:crypto';
import { type Channel, type ChannelListener, fromScheduler, grantBytes, toScheduler } from '@cloister/protocol';
import { expect, test } from 'vitest';
import { type Clock, type MachineClaim, PERIOD_MS, start } from './main.ts';

type Grant = ReturnType<typeof fromScheduler.decode>;

/** A scheduler over channels and a clock in the test's hand. */
function bench(cpus: number, claims: readonly ({ cpus: number; weight: number } | null)[]) {
  let now = 1_000_000;
  let timers: { at: number; then: () => void }[] = [];
  const clock: Clock = {
    now: () => now,
    after: (milliseconds, then) => void timers.push({ at: now + milliseconds, then }),
  };
  const keys = claims.map(() => randomBytes(32));
  const listeners: ChannelListener[] = [];
  const grants = claims.map((): NonNullable<Grant>[] => []);
  const closed: string[] = [];
  const channels = claims.map(
    (_, i): Channel => ({
      send: (frame) => void grants[i]!.push(fromScheduler.decode(frame)!),
      queuedBytes: 0,
      closed: undefined,
      listen: (listener) => void (listeners[i] = listener),
      close: (reason) => void closed.push(reason),
    }),
  );
  const keyed = (i: number, claim: { cpus: number; weight: number }): MachineClaim => ({
    ...claim,
    key: keys[i]!.toString('base64'),
  });
  const { claim } = start(
    channels,
    { cpus, machines: claims.map((one, i) => (one === null ? null : keyed(i, one))) },
    clock,
  );
  return {
    keys,
    claim: (i: number, one: { cpus: number; weight: number }) => claim(i, keyed(i, one)),
    grants,
    closed,
    ask: (i: number) => listeners[i]!.frame(toScheduler.encode({ kind: 'run.ask' })),
    say: (i: number, frame: Uint8Array) => listeners[i]!.frame(frame),
    pass(milliseconds: number) {
      now += milliseconds;
      const due = timers.filter(({ at }) => at <= now);
      timers = timers.filter(({ at }) => at > now);
      for (const { then } of due) then();
    },
  };
}

test('a grant is what the machine will accept, and none is like another', () => {
  const b = bench(1, [{ cpus: 1, weight: 1 }]);
  b.ask(0);
  b.pass(PERIOD_MS);
  b.ask(0);
  expect(b.grants[0]).toHaveLength(2);
  for (const grant of b.grants[0]!) {
    const mac = createHmac('sha256', b.keys[0]!).update(grantBytes(grant)).digest().subarray(0, 16);
    expect(Buffer.from(grant.mac)).toEqual(mac);
  }
  expect(b.grants[0]![1]!.sequence > b.grants[0]![0]!.sequence).toBe(true);
});

test('half a CPU is half of each period, however often a slice asks', () => {
  const b = bench(2, [{ cpus: 0.5, weight: 1 }]);
  for (let passed = 0; passed < 990; passed += 5) {
    b.ask(0);
    b.pass(5);
  }
  const granted = b.grants[0]!.reduce((sum, { microseconds }) => sum + microseconds, 0);
  expect(granted).toBe(500_000);
});

test('a clock that is late takes nothing from a VM that runs all the time, and an idle one saves nothing up', () => {
  const b = bench(1, [{ cpus: 1, weight: 1 }]);
  const run = (periods: number): number => {
    const before = b.grants[0]!.length;
    for (let passed = 0; passed < periods * PERIOD_MS; passed += 8) {
      b.ask(0);
      b.pass(8);
    }
    return b.grants[0]!.length - before;
  };
  // Its first grant is there at once.
  expect(run(40)).toBe(41);
  b.pass(50 * PERIOD_MS);
  expect(run(40)).toBe(41);
});

test('a VM that wants all leaves the others theirs, and takes what idle ones leave', () => {
  const b = bench(1, [
    { cpus: 1, weight: 1 },
    { cpus: 1, weight: 3 },
  ]);
  for (let passed = 0; passed < 1000; passed += 10) {
    b.ask(0);
    b.ask(1);
    b.pass(10);
  }
  const sum = (i: number): number => b.grants[i]!.slice(2).reduce((all, { microseconds }) => all + microseconds, 0);
  expect(sum(1) / sum(0)).toBeCloseTo(3, 1);
  b.pass(1000);
  b.ask(0);
  expect(b.grants[0]!.at(-1)!.microseconds).toBe(100_000);
});

test('a slice that says anything else loses its own channel alone', () => {
  const b = bench(1, [
    { cpus: 1, weight: 1 },
    { cpus: 1, weight: 1 },
  ]);
  b.say(0, Uint8Array.of(1, 2, 3));
  expect(b.closed).toHaveLength(1);
  b.ask(1);
  expect(b.grants[1]).toHaveLength(1);
});

test('a VM that takes a spare link has its share from then on, and nothing is granted before', () => {
  const b = bench(1, [{ cpus: 1, weight: 1 }, null]);
  b.ask(0);
  b.ask(1);
  expect(b.grants.map((all) => all.length)).toEqual([1, 0]);
  expect(b.grants[0]![0]!.microseconds).toBe(100_000);
  b.claim(1, { cpus: 1, weight: 3 });
  b.ask(1);
  expect(b.grants[1]![0]!.microseconds).toBe(75_000);
  const mac = createHmac('sha256', b.keys[1]!).update(grantBytes(b.grants[1]![0]!)).digest().subarray(0, 16);
  expect(Buffer.from(b.grants[1]![0]!.mac)).toEqual(mac);
  b.ask(1);
  b.pass(PERIOD_MS);
  expect(b.grants[1]).toHaveLength(2);
});
