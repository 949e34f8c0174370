import {
  type Channel,
  type ChannelListener,
  FRAME_BYTES_MAX,
  type FromSlice,
  fromMachine,
  fromSlice,
  fromStorage,
  type ToMachine,
  toMachine,
  toSlice,
  toStorage,
} from '@cloister/protocol';
import { describe, expect, test } from 'vitest';
import { mutate, randomFrom } from '../../../protocol/src/testing/mutate.ts';
import {
  FROM_MACHINE_SAMPLES,
  FROM_STORAGE_SAMPLES,
  TO_SLICE_SAMPLES,
} from '../../../protocol/src/testing/sample-messages.ts';
import { start } from './slice.ts';

/** One end of a channel that keeps what is sent, and by which a test speaks. */
function testEnd() {
  const sent: Uint8Array[] = [];
  let listener: ChannelListener | undefined;
  const channel: Channel = {
    send(frame) {
      if (frame.length > FRAME_BYTES_MAX) throw new RangeError('Too long');
      sent.push(frame.slice());
    },
    queuedBytes: 0,
    closed: undefined,
    listen(next) {
      listener = next;
    },
    close: () => undefined,
  };
  return {
    channel,
    sent,
    say: (frame: Uint8Array) => listener!.frame(frame),
    renew: () => listener!.renewed?.(),
    end: () => listener!.closed?.('Gone'),
  };
}

function bench() {
  const [machine, storage, control] = [testEnd(), testEnd(), testEnd()];
  start({ machine: machine.channel, storage: storage.channel, control: control.channel });
  const told = (): FromSlice[] => control.sent.splice(0).map((frame) => fromSlice.decode(frame)!);
  const asked = (): ToMachine[] => machine.sent.splice(0).map((frame) => toMachine.decode(frame)!);
  return { machine, storage, control, told, asked };
}

/** A whole Image of one frame. */
const kernel = new Uint8Array(4096);
const header = new DataView(kernel.buffer);
header.setBigUint64(8, 0x20_0000n, true);
header.setBigUint64(16, 4096n, true);
header.setUint32(56, 0x05435352, true);

/** To the guest's start. */
function booted() {
  const b = bench();
  b.control.say(toSlice.encode({ ...TO_SLICE_SAMPLES['boot.start'], initrdBytes: 0 }));
  b.machine.say(fromMachine.encode(FROM_MACHINE_SAMPLES.platform));
  for (let i = 0; i < 2; i += 1) b.control.say(toSlice.encode({ ...TO_SLICE_SAMPLES['boot.data'], bytes: kernel }));
  b.machine.say(fromMachine.encode({ kind: 'launch.finished' }));
  return b;
}

test('boots: reads the kernel once its head is one, places it and the tree, starts hart 0', () => {
  const b = booted();
  expect(b.told().map(({ kind }) => kind)).toEqual(['boot.read', 'boot.read', 'boot.done']);
  expect(b.asked().map(({ kind }) => kind)).toEqual([
    ...['launch.update', 'launch.update', 'hart.init', 'launch.finish', 'hart.run'],
  ]);
});

describe('ends the run once', () => {
  test.each([
    ['at a shutdown', [0x53525354n, 0n, 0n, 0n], { end: 'power-off' }],
    ['at a reboot', [0x53525354n, 0n, 1n, 0n], { end: 'reset' }],
  ] as const)('%s', (_name, values, end) => {
    const b = booted();
    b.told();
    for (let i = 0; i < 2; i += 1)
      b.machine.say(fromMachine.encode({ kind: 'hart.exit', hart: 0, reason: 'sbi', values }));
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
  ['before the boot', bench],
  ['while the guest runs', booted],
])('no bytes from machine, storage or launcher make it throw or flood, %s', (_name, create) => {
  const seed = 20261125;
  const random = randomFrom(seed);
  const frames = {
    machine: Object.values(FROM_MACHINE_SAMPLES).map((message) => fromMachine.encode(message)),
    storage: Object.values(FROM_STORAGE_SAMPLES).map((message) => fromStorage.encode(message)),
    control: Object.values(TO_SLICE_SAMPLES).map((message) => toSlice.encode(message)),
  };
  let b = create();
  for (let i = 0; i < CASES; i += 1) {
    // Most runs end soon by what they are told; a fresh one goes further.
    if (i % 50 === 0) b = create();
    const from = (['machine', 'storage', 'control'] as const)[random(3)]!;
    const sample = frames[from][random(frames[from].length)]!;
    const frame = random(4) === 0 ? sample : mutate(random, sample);
    for (const end of [b.machine, b.storage, b.control]) end.sent.length = 0;
    try {
      b[from].say(frame);
    } catch (error) {
      expect({ seed, case: i, from, frame: Buffer.from(frame).toString('hex'), error }).toBeUndefined();
    }
    const counts = [b.machine, b.storage, b.control].map(({ sent }) => sent.length);
    expect(Math.max(...counts)).toBeLessThanOrEqual(ANSWERS_MAX);
    expect(b.machine.sent.every((sent) => toMachine.decode(sent) !== undefined)).toBe(true);
    expect(b.storage.sent.every((sent) => toStorage.decode(sent) !== undefined)).toBe(true);
    expect(b.control.sent.every((sent) => fromSlice.decode(sent) !== undefined)).toBe(true);
  }
});

test('a new storage is asked what the machine asks again, and nothing from before that', () => {
  const b = booted();
  const ask = (id: number): void => b.machine.say(fromMachine.encode({ ...FROM_MACHINE_SAMPLES['block.request'], id }));
  const forwarded = (): (number | undefined)[] => b.storage.sent.splice(0).map((frame) => toStorage.decode(frame)?.id);
  ask(1);
  b.asked();
  b.storage.renew();
  expect(b.asked()).toEqual([{ kind: 'block.resend' }]);
  ask(2);
  b.machine.say(fromMachine.encode({ kind: 'block.resending' }));
  for (const id of [1, 2, 3]) ask(id);
  expect(forwarded()).toEqual([1, 1, 2, 3]);
});
