import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FRAME_BYTES_MAX } from '@cloister/protocol';
import { afterAll, afterEach, expect, test } from 'vitest';
import { streamChannel } from '../channels/stream-channel.ts';
import { bundleForTest } from '../testing/bundle-for-test.ts';
import { type Compartment, startCompartment } from './compartment.ts';
import { type Kept, keepRunning } from './keep-running.ts';
import { createLinkMaker, freshEpoch } from './link.ts';

const program = bundleForTest(new URL('../testing/echo-compartment.ts', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'keep-running-'));
const links = await createLinkMaker(join(folder, 'links.sock'));
afterAll(() => {
  links.close();
  program.remove();
  rmSync(folder, { recursive: true, force: true });
});
const running: Kept<Compartment>[] = [];
afterEach(async () => {
  for (const kept of running.splice(0)) await kept.stop();
});

/** An echo that is kept running, and this process as the far end of its link. */
async function bench(options: { deadlineMs?: number; path?: string } = {}) {
  const link = await links.make();
  const near = streamChannel(link.ends[0], link.epoch);
  const heard: number[][] = [];
  let wake: (() => void) | undefined;
  near.listen({
    frame(frame) {
      heard.push([...frame.subarray(0, 8)]);
      wake?.();
    },
  });
  const until = async (condition: () => boolean): Promise<void> => {
    while (!condition())
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
  };
  let failure: (reason: string) => void = () => undefined;
  const gaveUp = new Promise<string>((resolve) => {
    failure = resolve;
  });
  const kept = keepRunning(() => {
    link.epoch = freshEpoch();
    near.renew(link.epoch);
    return startCompartment(
      {
        command: { file: process.execPath, args: [options.path ?? program.path], env: {} },
        feeds: [],
        links: [{ end: link.ends[1], epoch: link.epoch }],
        files: [],
        settings: { first: 7 },
        deadlineMs: options.deadlineMs ?? 20_000,
        log: () => undefined,
      },
      () => wake?.(),
    );
  }, failure);
  running.push(kept);
  return { near, heard, until, kept, gaveUp };
}

test('a killed process is replaced over the same link, and nothing of the dead one is heard', async () => {
  const { near, heard, until, kept } = await bench();
  await until(() => heard.length === 1);
  const pids = new Set<number>();
  for (let round = 0; round < 3; round += 1) {
    pids.add(kept.current!.pid!);
    // Echoes of many sizes are under way in both directions when it dies.
    for (let i = 0; i < 40; i += 1) near.send(new Uint8Array((i * 37_123) % (FRAME_BYTES_MAX - 8)).fill(round));
    process.kill(kept.current!.pid!, 'SIGKILL');
    await until(() => !pids.has(kept.current?.pid ?? 0) && kept.current?.pid !== undefined);
    heard.length = 0;
    await until(() => heard.length > 0);
    expect(heard[0]).toEqual([7]);
    near.send(Uint8Array.of(100 + round));
    await until(() => heard.length > 1);
    const pid = kept.current!.pid!;
    expect(heard.slice(1)).toEqual([[(pid >> 24) & 255, (pid >> 16) & 255, (pid >> 8) & 255, pid & 255, 100 + round]]);
  }
  expect(kept.restarts).toBe(3);
  expect(kept.current!.status()![0]).toBe(7);
}, 30_000);

test('one that hangs gives no sign of life and is replaced', async () => {
  const { near, heard, until, kept } = await bench({ deadlineMs: 1500 });
  await until(() => heard.length === 1);
  const first = kept.current!.pid;
  near.send(Uint8Array.of(0xff));
  await until(() => heard.length === 2);
  expect(kept.current!.pid).not.toBe(first);
}, 30_000);

test('a stopped process is replaced like a dead one, a restart that was wanted counts as none', async () => {
  const { heard, until, kept } = await bench({ deadlineMs: 1500 });
  await until(() => heard.length === 1);
  process.kill(kept.current!.pid!, 'SIGSTOP');
  await until(() => heard.length === 2);
  expect(kept.restarts).toBe(1);
  kept.restart();
  await until(() => heard.length === 3);
  expect(kept.restarts).toBe(1);
}, 30_000);

test('what cannot live is given up', async () => {
  const { gaveUp } = await bench({ path: join(folder, 'none.mjs') });
  expect(await gaveUp).toMatch(/ended with status 1/);
}, 30_000);
