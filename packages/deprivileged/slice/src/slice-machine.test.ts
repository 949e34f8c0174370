import { createHash } from 'node:crypto';
import { BLOBS, type Blob, type BootWish, expectedLaunchDigest, planBoot } from '@cloister/boot-plan';
import { postExit, takeCompletion } from '@cloister/hardware';
import { describePlatform, type FromSlice, fromMachine, fromStorage, toSlice } from '@cloister/protocol';
import { expect, test } from 'vitest';
import { type MonitorBench, monitorBench, sharedMemory } from '../../../trusted/monitor/src/testing/monitor-bench.ts';
import { createHypelet } from './hypelet.ts';
import { createFrames } from './memory/frames.ts';
import { KERNEL, type SliceBench, sliceBench } from './testing/slice-bench.ts';

const RAM_BYTES = 64 << 20;
const PLATFORM = describePlatform(1, RAM_BYTES);
const files: Readonly<Record<Blob, Uint8Array>> = {
  kernel: Uint8Array.from({ length: 300_000 }, (_, i) => KERNEL[i] ?? i & 0xff),
  initrd: Uint8Array.from({ length: 70_000 }, (_, i) => (i * 7) & 0xff),
  firmware: new Uint8Array(0),
};
const WISH: BootWish = { commandLine: 'quiet', kernelBytes: 300_000, initrdBytes: 70_000, firmwareBytes: 0 };

async function expectedDigest(): Promise<Uint8Array> {
  const planned = planBoot(PLATFORM, WISH, files.kernel.subarray(0, 4096));
  if (!planned.ok) throw new Error(planned.reason);
  return expectedLaunchDigest(planned.plan, {
    read: (blob, offset, length) => files[blob].subarray(offset, offset + length),
    sha256: (bytes) => createHash('sha256').update(bytes).digest(),
  });
}

/**
 * Carries messages between a slice and its machine, and files to the slice, until nobody says anything, with `limit` reads
 * at the most. Returns what the client was told, ports apart.
 */
function carry(machine: MonitorBench, slice: SliceBench, served: typeof files = files, limit = 1000): FromSlice[] {
  const told: FromSlice[] = [];
  let reads = 0;
  for (let quiet = false; !quiet; ) {
    const [down, up, asked] = [machine.take(), slice.machine.sent.splice(0), slice.read()];
    quiet = down.length + up.length + asked.length === 0;
    told.push(...slice.told());
    for (const message of down) slice.machine.say(fromMachine.encode(message));
    for (const frame of up) machine.sayBytes(frame);
    for (const { store, id, offset, length } of asked) {
      if ((reads += 1) > limit) continue;
      const bytes = served[BLOBS[store]!].subarray(offset, offset + length);
      slice.storage.say(fromStorage.encode({ kind: 'file.data', id, ok: true, bytes }));
    }
    told.push(...slice.told());
  }
  return told.filter(({ kind }) => !kind.startsWith('port.'));
}

function booting(wish: BootWish = WISH): SliceBench {
  const slice = sliceBench();
  slice.client.say(toSlice.encode({ kind: 'boot.start', kernel: 0, initrd: 1, firmware: 2, ...wish }));
  return slice;
}

test('what an honest slice launches is what the owner computed, without asking any slice', async () => {
  const machine = monitorBench(sharedMemory(RAM_BYTES), { expectedDigest: await expectedDigest() });
  expect(carry(machine, booting())).toEqual([{ kind: 'boot.done' }]);
  expect(machine.started).toHaveLength(1);
  const at = 0x20_0000;
  expect(Buffer.compare(machine.ram.subarray(at, at + files.kernel.length), files.kernel)).toBe(0);
});

test.each<[string, Partial<typeof files>, Partial<BootWish>]>([
  ['a byte of the kernel', { kernel: files.kernel.map((byte, i) => (i === 200_000 ? byte ^ 1 : byte)) }, {}],
  ['a byte of the initrd', { initrd: files.initrd.map((byte, i) => (i === 69_999 ? byte ^ 1 : byte)) }, {}],
  ['the command line', {}, { commandLine: 'quiet init=/bin/sh' }],
  ['the end of the initrd', {}, { initrdBytes: 69_999 }],
])('a slice that changes %s starts nothing', async (_name, other, wish) => {
  const machine = monitorBench(sharedMemory(RAM_BYTES), { expectedDigest: await expectedDigest() });
  const told = carry(machine, booting({ ...WISH, ...wish }), { ...files, ...other });
  expect(told).toEqual([{ kind: 'boot.refused', reason: expect.stringMatching(/is not what the owner expects$/) }]);
  expect(machine.started).toEqual([]);
});

test.each([0, 1, 2, 3, 4])('a slice that dies after %i reads is followed by one that boots the same', async (reads) => {
  const machine = monitorBench(sharedMemory(RAM_BYTES), { expectedDigest: await expectedDigest() });
  expect(carry(machine, booting(), files, reads)).toEqual([]);
  machine.renew();
  expect(carry(machine, booting())).toEqual([{ kind: 'boot.done' }]);
  expect(machine.started).toHaveLength(1);
});

test('a slice that dies with an exit before it is followed by one that answers it', () => {
  const machine = monitorBench(sharedMemory(RAM_BYTES));
  carry(machine, booting());
  postExit(machine.board, 0, { reason: 'sbi', extension: 0x53525354n, function: 0n, arguments: [9n, 0n] });
  machine.monitor.look();
  // It never hears of the exit.
  machine.take();
  machine.renew();
  expect(carry(machine, sliceBench())).toEqual([{ kind: 'boot.done' }]);
  expect(takeCompletion(machine.board, 0)).toMatchObject({ error: BigInt.asUintN(64, -3n) });
});

test('a frame that was reclaimed comes back to the guest that wants it as it was', async () => {
  const machine = monitorBench(sharedMemory(RAM_BYTES));
  carry(machine, booting());
  postExit(machine.board, 0, { reason: 'budget' });
  machine.monitor.look();
  machine.take();
  const hypelet = createHypelet(machine.say, (call, reason) => {
    throw new Error(`${call}: ${reason}`);
  });
  const frames = createFrames(hypelet.call, { kind: 'platform', phase: 'running', ...PLATFORM });
  const hear = (): void => machine.take().forEach((message) => void hypelet.hear(message));
  const contents = machine.ram.subarray(4096 * 5000, 4096 * 5001).fill(9);
  const give = (): Promise<unknown> => frames.give(PLATFORM.ramBase + 4096 * 5000, hear);
  const reclaimed = frames.reclaim(5000);
  expect(frames.reclaim(5000)).toBe(reclaimed);
  // The guest's fault may come in the same breath as the contents.
  hear();
  expect(contents[0]).toBe(0);
  await Promise.all([reclaimed, give()]);
  expect(contents.every((byte) => byte === 9)).toBe(true);
  await expect(give()).rejects.toThrow('The machine refused frame.map');
});
