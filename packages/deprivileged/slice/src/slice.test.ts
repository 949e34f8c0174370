import { fromMachine, fromSlice, fromStorage, toMachine, toSlice, toStorage } from '@cloister/protocol';
import { describe, expect, test } from 'vitest';
import { mutate, randomFrom } from '../../../protocol/src/testing/mutate.ts';
import {
  FROM_MACHINE_SAMPLES,
  FROM_STORAGE_SAMPLES,
  TO_SLICE_SAMPLES,
} from '../../../protocol/src/testing/sample-messages.ts';
import { KERNEL, type SliceBench, sliceBench } from './testing/slice-bench.ts';

/** The boot's read `id`, answered: 0 is the kernel's head, update n of the plan is n + 1. */
const replyOf = (id: number, bytes: Uint8Array = KERNEL, ok = true) => ({ kind: 'file.data', id, ok, bytes }) as const;

/** To the guest's start. */
function booted(): SliceBench {
  const b = sliceBench();
  b.client.say(toSlice.encode({ ...TO_SLICE_SAMPLES['boot.start'], initrdBytes: 0 }));
  b.machine.say(fromMachine.encode(FROM_MACHINE_SAMPLES.platform));
  for (const id of [0, 1]) b.storage.say(fromStorage.encode(replyOf(id)));
  b.machine.say(fromMachine.encode({ kind: 'launch.finished' }));
  return b;
}

test('boots: reads the kernel once its head is one, places it and the tree, starts hart 0', () => {
  const b = booted();
  expect(b.told().map(({ kind }) => kind)).toEqual(['boot.done']);
  expect(b.read().map(({ store, length }) => [store, length])).toEqual([
    [0, 4096],
    [0, 4096],
  ]);
  expect(b.asked().map(({ kind }) => kind)).toEqual([
    ...['launch.start', 'frame.map', 'launch.update', 'launch.update', 'hart.init', 'launch.finish', 'hart.run'],
  ]);
});

test('places what came early in its turn: the digest knows one order', () => {
  const b = sliceBench();
  b.client.say(toSlice.encode({ ...TO_SLICE_SAMPLES['boot.start'], initrdBytes: 9 }));
  b.machine.say(fromMachine.encode(FROM_MACHINE_SAMPLES.platform));
  b.storage.say(fromStorage.encode(replyOf(0)));
  b.asked();
  b.storage.say(fromStorage.encode(replyOf(2, new Uint8Array(9))));
  expect(b.asked()).toEqual([]);
  b.storage.say(fromStorage.encode(replyOf(1)));
  const lengths = b.asked().map((message) => (message.kind === 'launch.update' ? message.bytes.length : message.kind));
  expect(lengths).toEqual([4096, 9, expect.any(Number), 'hart.init', 'launch.finish']);
});

test('asks storage again when that was replaced, and places nothing twice', () => {
  const b = sliceBench();
  b.client.say(toSlice.encode(TO_SLICE_SAMPLES['boot.start']));
  b.machine.say(fromMachine.encode(FROM_MACHINE_SAMPLES.platform));
  b.storage.renew();
  expect(b.read().map(({ id }) => id)).toEqual([0, 0]);
  b.storage.say(fromStorage.encode(replyOf(0)));
  b.storage.say(fromStorage.encode(replyOf(1)));
  b.storage.renew();
  expect(b.read().map(({ id }) => id)).toEqual([1, 2, 2]);
  b.storage.say(fromStorage.encode(replyOf(2, new Uint8Array(9))));
  expect(b.asked().filter(({ kind }) => kind === 'launch.update')).toHaveLength(3);
});

test.each<[string, ReturnType<typeof replyOf>, RegExp]>([
  ['other bytes', replyOf(7), /not asked/],
  ['fewer bytes', replyOf(1, new Uint8Array(4095)), /not asked/],
  ['an error', replyOf(1, new Uint8Array(0), false), /cannot be read/],
])('%s than were asked for end the boot', (_name, reply, reason) => {
  const b = sliceBench();
  b.client.say(toSlice.encode({ ...TO_SLICE_SAMPLES['boot.start'], initrdBytes: 0 }));
  b.machine.say(fromMachine.encode(FROM_MACHINE_SAMPLES.platform));
  b.storage.say(fromStorage.encode(replyOf(0)));
  b.storage.say(fromStorage.encode(reply));
  expect(b.told().at(-1)).toEqual({ kind: 'boot.refused', reason: expect.stringMatching(reason) });
});

describe('answers an exit', () => {
  const exit = { kind: 'hart.exit', hart: 0, exit: 7 } as const;
  const run = { kind: 'hart.run', hart: 0, exit: 7, registers: [], microseconds: 0 };

  test.each<[string, Parameters<typeof fromMachine.encode>[0], object[]]>([
    [
      'of a used-up budget with another',
      { ...exit, reason: 'budget', registers: [] },
      [{ ...run, microseconds: 0xffff_ffff }],
    ],
    [
      'of an absent frame with zeros',
      { ...exit, reason: 'frame-fault', registers: [0x8000_3000n] },
      [{ kind: 'frame.map', operation: 'zero', frame: 3, count: 1 }, run],
    ],
    ['of a store that means nothing', { ...exit, reason: 'syscon', registers: [1n] }, [run]],
    [
      'of a reset that there is not with an error',
      { ...exit, reason: 'sbi', registers: [0x53525354n, 0n, 9n, 0n] },
      [{ ...run, registers: [BigInt.asUintN(64, -3n), 0n] }],
    ],
  ])('%s', (_name, message, answers) => {
    const b = booted();
    b.asked();
    b.machine.say(fromMachine.encode(message));
    expect(b.asked()).toMatchObject(answers);
  });
});

describe('takes the place of another', () => {
  test.each([
    ['launched', ['hart.run']],
    ['running', []],
  ] as const)('under a VM that is %s', (phase, calls) => {
    const b = sliceBench();
    b.machine.say(fromMachine.encode({ ...FROM_MACHINE_SAMPLES.platform, phase }));
    expect(b.asked().map(({ kind }) => kind)).toEqual(calls);
    expect(b.told()).toEqual([{ kind: 'boot.done' }]);
    b.client.say(toSlice.encode(TO_SLICE_SAMPLES['boot.start']));
    expect(b.asked()).toEqual([]);
    b.machine.say(fromMachine.encode({ kind: 'hart.exit', hart: 0, exit: 3, reason: 'syscon', registers: [0x5555n] }));
    expect(b.told()).toEqual([{ kind: 'run.end', end: 'power-off', reason: '' }]);
  });
});

describe('ends the run once', () => {
  test('when the machine refuses what would go on with it', () => {
    const b = booted();
    b.told();
    b.machine.say(fromMachine.encode({ kind: 'call.refused', call: 'hart.run', reason: 'Hart 0 runs' }));
    expect(b.told()).toEqual([{ kind: 'run.end', end: 'failed', reason: 'The machine refused hart.run: Hart 0 runs' }]);
  });

  test.each([
    ['at a shutdown', [0x53525354n, 0n, 0n, 0n], { end: 'power-off' }],
    ['at a reboot', [0x53525354n, 0n, 1n, 0n], { end: 'reset' }],
  ] as const)('%s', (_name, registers, end) => {
    const b = booted();
    b.told();
    for (let exit = 1; exit < 3; exit += 1)
      b.machine.say(fromMachine.encode({ kind: 'hart.exit', hart: 0, exit, reason: 'sbi', registers }));
    expect(b.told()).toEqual([expect.objectContaining({ kind: 'run.end', ...end })]);
  });

  test.each(['machine', 'storage'] as const)('when its %s goes', (which) => {
    const b = booted();
    b.told();
    for (let i = 0; i < 2; i += 1) b[which].end();
    expect(b.told()).toEqual([{ kind: 'run.end', end: 'failed', reason: `The ${which} is gone: Gone` }]);
  });
});

const CASES = 20_000;
/** Frames that one frame may lead to: a boot's reads are the most. */
const ANSWERS_MAX = 16;

test.each([
  ['before the boot', sliceBench],
  ['while the guest runs', booted],
])('no bytes from machine, storage or client make it throw or flood, %s', (_name, create) => {
  const seed = 20261125;
  const random = randomFrom(seed);
  const frames = {
    machine: Object.values(FROM_MACHINE_SAMPLES).map((message) => fromMachine.encode(message)),
    storage: Object.values(FROM_STORAGE_SAMPLES).map((message) => fromStorage.encode(message)),
    client: Object.values(TO_SLICE_SAMPLES).map((message) => toSlice.encode(message)),
  };
  let b = create();
  for (let i = 0; i < CASES; i += 1) {
    // Most runs end soon by what they are told; a fresh one goes further.
    if (i % 50 === 0) b = create();
    const from = (['machine', 'storage', 'client'] as const)[random(3)]!;
    const sample = frames[from][random(frames[from].length)]!;
    const frame = random(4) === 0 ? sample : mutate(random, sample);
    for (const end of [b.machine, b.storage, b.client]) end.sent.length = 0;
    try {
      b[from].say(frame);
    } catch (error) {
      expect({ seed, case: i, from, frame: Buffer.from(frame).toString('hex'), error }).toBeUndefined();
    }
    const counts = [b.machine, b.storage, b.client].map(({ sent }) => sent.length);
    expect(Math.max(...counts)).toBeLessThanOrEqual(ANSWERS_MAX);
    expect(b.machine.sent.every((sent) => toMachine.decode(sent) !== undefined)).toBe(true);
    expect(b.storage.sent.every((sent) => toStorage.decode(sent) !== undefined)).toBe(true);
    expect(b.client.sent.every((sent) => fromSlice.decode(sent) !== undefined)).toBe(true);
  }
});

test('a new storage is asked what the machine asks again, and nothing from before that', () => {
  const b = booted();
  b.read();
  const ask = (at: number): void =>
    void b.machine.say(fromMachine.encode({ ...FROM_MACHINE_SAMPLES['block.request'], at }));
  const passedOn = () => b.storage.sent.splice(0).map((frame) => (toStorage.decode(frame) as { at: number }).at);
  ask(1);
  b.asked();
  b.storage.renew();
  expect(b.asked()).toEqual([{ kind: 'block.resend', round: 1 }]);
  ask(2);
  // What the machine sent because this slice was new: asked twice, a write could come after one that followed it.
  b.machine.say(fromMachine.encode({ kind: 'block.resending', round: 0 }));
  ask(2);
  b.machine.say(fromMachine.encode({ kind: 'block.resending', round: 1 }));
  for (const at of [1, 2, 3]) ask(at);
  expect(passedOn()).toEqual([1, 1, 2, 3]);
});
