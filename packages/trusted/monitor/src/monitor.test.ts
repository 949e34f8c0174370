import { type Exit, postExit, publishRetired, takeAttention, takeCompletion } from '@cloister/hardware';
import { INJECTION_INTERVAL_MS } from '@cloister/protocol';
import { expect, test } from 'vitest';
import { createGuest, findDevice, startDevice } from './testing/guest-driver.ts';
import { bench, finish, LAUNCH, RAM, RAM_BYTES, run, running } from './testing/launched-machine.ts';
import { monitorBench, sharedMemory } from './testing/monitor-bench.ts';

test('an interrupt is injected into a device that is driven, and not again before Linux forgets it', () => {
  const memory = sharedMemory(RAM_BYTES);
  const b = monitorBench(memory, { devices: [{ kind: 'rng' }] });
  LAUNCH.forEach(b.say);
  const inject = (): string | undefined => {
    b.take();
    b.say({ kind: 'csr.write', hart: 0, csr: 'hgeip', value: 16n });
    const [answer] = b.take();
    return answer?.kind === 'call.refused' ? answer.reason : undefined;
  };
  expect(inject()).toBe('The guest does not drive device 0');
  b.say(run(0));
  const exit = (next: Exit): bigint => {
    postExit(b.board, 0, next);
    b.monitor.look();
    return takeCompletion(b.board, 0)!.value;
  };
  const guest = createGuest(memory, {
    read: (address, size) => exit({ reason: 'mmio-read', address, size: size as 4 }),
    write: (address, size, value) => void exit({ reason: 'mmio-write', address, size: size as 4, value }),
    ring: () => undefined,
  });
  guest.free = RAM + 65_536;
  startDevice(guest, findDevice(guest, 4), 0n);
  expect(inject()).toBeUndefined();
  expect(inject()).toBe('Interrupts are injected too often');
  b.time.now += INJECTION_INTERVAL_MS;
  expect(inject()).toBeUndefined();
});

test('a fence reaches the hart’s attention, and the virtual CSRs say what the hart has said', () => {
  const b = running();
  takeAttention(b.board, 0);
  b.say({ kind: 'fence.vma', hart: 0 });
  expect(takeAttention(b.board, 0)).toBe(4);
  b.say({ kind: 'fence.gvma' });
  expect(takeAttention(b.board, 0)).toBe(4);
  publishRetired(b.board, 0, 2 ** 40 + 5);
  b.say({ kind: 'csr.read', hart: 0, csr: 'instret' });
  b.say({ kind: 'csr.read', hart: 0, csr: 'budget' });
  expect(b.take()).toMatchObject([{ value: 2n ** 40n + 5n }, { value: 1000n }]);
});

test('a slice that calls and takes no answers loses its channel', () => {
  const closed: string[] = [];
  const b = bench({
    channel: {
      send: () => undefined,
      queuedBytes: 65 * 2 ** 20,
      closed: undefined,
      listen: (listener) => listener.frame(Uint8Array.of(0x09)),
      close: (reason) => void closed.push(reason),
    },
  });
  expect(closed).toEqual(['The slice calls and takes no answers']);
  expect(b.logged).toEqual(closed);
});

test('a slice that is refused again and again fills no log', () => {
  const b = bench();
  for (let i = 0; i < 1000; i += 1) b.say(finish);
  expect(b.logged).toHaveLength(20);
  b.time.now += 60_000;
  b.say(finish);
  expect(b.logged.at(-1)).toMatch(/… and 980 more lines before/);
});

test('says that it asks again, to a new slice and to one that asks for it, and in which round', () => {
  const b = bench();
  b.renew();
  b.say({ kind: 'block.resend', round: 7 });
  const rounds = b.heard.flatMap((message) => (message.kind === 'block.resending' ? [message.round] : []));
  expect(rounds).toEqual([0, 7]);
});
