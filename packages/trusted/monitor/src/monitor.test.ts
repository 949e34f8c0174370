import { boardOf, MEMORY_MAP, memoryPages, pendingExit, wakeMonitor } from '@cloister/hardware';
import {
  type Channel,
  type ChannelListener,
  type FromMachine,
  fromMachine,
  type ToMachine,
  toMachine,
} from '@cloister/protocol';
import { expect, test } from 'vitest';
import type { Entry } from './machine.ts';
import { createMonitor } from './monitor.ts';

const RAM_BYTES = 64 << 20;
const RAM = MEMORY_MAP.ram.base;

/** A monitor whose slice is this test. */
function bench() {
  const pages = memoryPages(RAM_BYTES);
  const { buffer } = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
  const heard: FromMachine[] = [];
  const logged: string[] = [];
  const started: Entry[] = [];
  let listener: ChannelListener | undefined;
  let queuedBytes = 0;
  const channel: Channel = {
    send: (frame) => heard.push(fromMachine.decode(frame)!),
    get queuedBytes() {
      return queuedBytes;
    },
    closed: undefined,
    listen: (next) => {
      listener = next;
    },
    close: () => {},
  };
  const monitor = createMonitor({
    memory: buffer,
    harts: 1,
    devices: [],
    channel,
    seal: 'aes-256-gcm',
    random: (length) => new Uint8Array(length).fill(0xa5),
    start: (entry) => started.push(entry),
    log: (line) => logged.push(line),
    pause: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds)),
  });
  return {
    monitor,
    board: boardOf(buffer),
    ram: new Uint8Array(buffer, 0x4000_0000),
    heard,
    logged,
    started,
    renew: () => listener!.renewed!(),
    /** The slice takes nothing until `drain`. */
    block: () => {
      queuedBytes = 1;
    },
    drain() {
      queuedBytes = 0;
      listener!.drained!();
    },
    say: (message: ToMachine) => listener!.frame(toMachine.encode(message)),
    sayBytes: (frame: Uint8Array) => listener!.frame(frame),
  };
}

const finish: ToMachine = { kind: 'launch.finish', pc: RAM, deviceTree: RAM + 64, rngSeed: RAM + 128, firmwareInfo: 0 };

test('a launch places, seeds, starts once and is over', () => {
  const b = bench();
  b.say({ kind: 'launch.update', address: RAM + 8, bytes: Uint8Array.of(1, 2, 3) });
  b.say({ kind: 'hart.init', hart: 0 });
  b.say(finish);
  expect(b.ram.slice(7, 12)).toEqual(Uint8Array.of(0, 1, 2, 3, 0));
  expect(b.ram.slice(127, 161)).toEqual(Uint8Array.of(0, ...new Uint8Array(32).fill(0xa5), 0));
  b.say({ kind: 'hart.run', hart: 0, budget: 0n });
  expect(b.started).toEqual([{ pc: RAM, deviceTree: RAM + 64, firmwareInfo: 0 }]);
  expect(b.heard.map(({ kind }) => kind)).toEqual(['platform', 'launch.finished']);
  expect(b.logged).toEqual([]);
});

test.each<[string, ToMachine[], RegExp]>([
  ['an update outside RAM', [{ kind: 'launch.update', address: RAM - 1, bytes: new Uint8Array(2) }], /outside RAM/],
  [
    'an update across the end of RAM',
    [{ kind: 'launch.update', address: RAM + RAM_BYTES - 1, bytes: new Uint8Array(2) }],
    /outside RAM/,
  ],
  [
    'an update after the launch',
    [finish, { kind: 'launch.update', address: RAM, bytes: new Uint8Array(1) }],
    /finished/,
  ],
  ['a second finish', [finish, finish], /finished/],
  ['an odd entry', [{ ...finish, pc: RAM + 2 } as ToMachine], /entry/],
  ['a seed outside RAM', [{ ...finish, rngSeed: RAM + RAM_BYTES - 8 } as ToMachine], /seed/],
  ['a run before the launch', [{ kind: 'hart.run', hart: 0, budget: 0n }], /not finished/],
  ['a hart that does not exist', [finish, { kind: 'hart.run', hart: 1, budget: 0n }], /no hart 1/],
  [
    'a run of a hart that runs',
    [finish, { kind: 'hart.run', hart: 0, budget: 0n }, { kind: 'hart.run', hart: 0, budget: 0n }],
    /runs/,
  ],
  ['a completion of nothing', [finish, { kind: 'state.write', hart: 0, error: 0n, value: 0n }], /no completion/],
  ['a new hart after the launch', [finish, { kind: 'hart.init', hart: 0 }], /finished/],
])('refuses %s', (_name, messages, reason) => {
  const b = bench();
  for (const message of messages) b.say(message);
  expect(b.logged).toEqual([expect.stringMatching(reason)]);
  expect(b.heard.at(-1)).toEqual({ kind: 'launch.refused', reason: expect.stringMatching(reason) });
});

test('drops what is no message, and goes on', () => {
  const b = bench();
  for (const bytes of [[], [0xee], [0x20, 1, 2], [0x41]]) b.sayBytes(Uint8Array.from(bytes));
  b.say(finish);
  expect(b.logged).toHaveLength(4);
  expect(b.heard.at(-1)).toEqual({ kind: 'launch.finished' });
});

test('hands SRST to the slice, and completes it with what the slice wrote', async () => {
  const b = bench();
  const running = b.monitor.run();
  b.say(finish);
  b.say({ kind: 'hart.run', hart: 0, budget: 0n });
  // The hart's side of an exit blocks, so another thread has it.
  const { Worker } = await import('node:worker_threads');
  const source = `
    const { workerData: { words, at }, parentPort } = require('node:worker_threads');
    parentPort.on('message', () => {});
    Atomics.wait(words, at, 1);
    parentPort.postMessage('completed');
  `;
  const words = b.board.words;
  const state = 0x400 >> 2;
  words[state + 1] = 2;
  words[state + 8] = 0x5352_5354;
  words[state + 12] = 3;
  Atomics.store(words, state, 1);
  expect(pendingExit(b.board, 0)).toMatchObject({ reason: 'sbi', extension: 0x5352_5354n });
  const worker = new Worker(source, { eval: true, workerData: { words, at: state } });
  const completed = new Promise((resolve) => worker.once('message', resolve));
  wakeMonitor(b.board);
  while (b.heard.at(-1)?.kind !== 'hart.exit') await new Promise((resolve) => setTimeout(resolve, 5));
  expect(b.heard.at(-1)).toMatchObject({ hart: 0, reason: 'sbi', values: [0x5352_5354n, 0n, 3n, 0n, 0n, 0n, 0n, 0n] });
  b.say({ kind: 'state.write', hart: 0, error: 5n, value: 6n });
  expect(pendingExit(b.board, 0)).toBeDefined();
  b.say({ kind: 'hart.run', hart: 0, budget: 0n });
  await completed;
  expect(pendingExit(b.board, 0)).toBeUndefined();
  expect([words[state + 8], words[state + 5]]).toEqual([5, 6]);
  await worker.terminate();
  b.monitor.stop();
  await running;
});

test('says that it asks again, at once to a new slice, and once to one that asks for it without end', () => {
  const b = bench();
  const resends = (): number => b.heard.filter(({ kind }) => kind === 'block.resending').length;
  b.renew();
  expect(resends()).toBe(1);
  b.block();
  for (let i = 0; i < 1000; i += 1) b.say({ kind: 'block.resend' });
  expect(resends()).toBe(1);
  b.drain();
  expect(resends()).toBe(2);
  b.drain();
  expect(resends()).toBe(2);
});
