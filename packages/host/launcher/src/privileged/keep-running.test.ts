import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeFromToolstack, FRAME_BYTES_MAX, type ToToolstack } from '@cloister/protocol';
import { afterAll, afterEach, expect, test } from 'vitest';
import type { Compartment } from '../../../../deprivileged/toolstack/src/compartment.ts';
import { createHost, freshEpoch } from '../../../../deprivileged/toolstack/src/host.ts';
import { type Kept, keepRunning } from '../../../../deprivileged/toolstack/src/keep-running.ts';
import { streamChannel } from '../channels/stream-channel.ts';
import { bundleForTest } from '../testing/bundle-for-test.ts';
import { createActions } from './actions.ts';
import { type Capability, readCode } from './capability.ts';
import { createLinkMaker } from './link.ts';

const program = bundleForTest(new URL('../testing/echo-compartment.ts', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'keep-running-'));
const makeLink = await createLinkMaker(join(folder, 'links.sock'));
afterAll(() => {
  program.remove();
  rmSync(folder, { recursive: true, force: true });
});
const running: Kept<Compartment>[] = [];
afterEach(async () => {
  for (const kept of running.splice(0)) await kept.stop();
});

/** A toolstack's host over a launcher's actions, as lines between them; `path` is what a slice runs. */
async function hostWith(path: string) {
  let near: Capability | undefined;
  let last = Promise.resolve();
  const files = [path, path].map((one) => ({ name: 'slice.js', path: one, hash: readCode(path).hash }));
  const actions = createActions({
    recipes: {
      slice: {
        ...{ level: 'none', file: process.execPath, args: [path], env: {}, fed: false, files },
        ...{ extraBytes: 0, extraDescriptors: 0 },
      },
    },
    claim: () => undefined,
    async link() {
      near = await makeLink();
      return near;
    },
    tell: (what) => setImmediate(() => host.hear(JSON.parse(JSON.stringify(what)) as ToToolstack)),
  });
  const host = createHost((request) => {
    const decoded = decodeFromToolstack(JSON.stringify(request))!;
    last = last.then(() => actions.act(decoded));
  });
  const link = await host.makeLink();
  return { host, link, near: near!.ends[0]! };
}

/** An echo that is kept running, and this process as the far end of its link. */
async function bench(options: { deadlineMs?: number; path?: string } = {}) {
  const { host, link, near: end } = await hostWith(options.path ?? program.path);
  const near = streamChannel(end, link.epoch);
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
    return host.spawn({
      ...{ kind: 'slice', deposits: [], settings: { first: 7 }, cpus: 1, dataBytes: 2 ** 30 },
      links: [{ link, end: 1 }],
      deadlineMs: options.deadlineMs ?? 20_000,
      heard: () => wake?.(),
    });
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
  const broken = join(folder, 'broken.mjs');
  writeFileSync(broken, 'process.exit(1);');
  const { gaveUp } = await bench({ path: broken });
  expect(await gaveUp).toMatch(/ended with status 1/);
}, 30_000);
