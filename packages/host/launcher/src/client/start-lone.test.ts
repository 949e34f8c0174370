import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { converse, fromBuilder, type ToBuilder, toBuilder } from '@cloister/protocol';
import { afterAll, expect, test } from 'vitest';
import { bundleUrl } from '../bundles.ts';
import { processOf } from '../sandbox/linux/process-of.ts';
import { descriptorsOf, launchedIn, leftIn } from '../testing/residue.ts';
import { socketsHere } from './connect.ts';
import { makeRecipes } from './make-recipes.ts';
import { knownLevel } from './sandbox-level.ts';
import { startBuilder } from './start-lone.ts';

const runtime = mkdtempSync(join(tmpdir(), 'start-lone-'));
process.env.CLOISTER_RUNTIME_DIR = runtime;
afterAll(() => rmSync(runtime, { recursive: true, force: true }));
const onLinux = test.runIf(process.platform === 'linux');
const DEADLINE = 30_000;

/** Processes of builders, the sandbox's outer ones: children of the launcher. */
const builders = (): number[] => {
  const found = launchedIn(runtime);
  const outer = found.filter(({ command, parent }) => command.includes('builder.cjs') && found[0]?.pid === parent);
  return [...new Set(outer.map(({ pid }) => pid))];
};

async function untilGone(pid: number): Promise<void> {
  for (let i = 0; i < 500 && builders().includes(pid); i += 1) await sleep(20);
  expect(builders()).not.toContain(pid);
}

onLinux(
  'a builder answers, holds nothing but its links, and ends with nothing left',
  { timeout: DEADLINE },
  async () => {
    const builder = await startBuilder();
    const talk = converse(builder.channel);
    const send = (message: ToBuilder): Promise<void> => talk.send(toBuilder.encode(message));
    await send({ kind: 'wanted', base: 'http://mirror' });
    await send({ kind: 'input', bytes: Buffer.from("'http://mirror/a.deb' a.deb 1 SHA256:x\n") });
    await send({ kind: 'input.end' });
    expect(fromBuilder.decode(await talk.next())).toEqual({ kind: 'wanted', filename: 'a.deb' });
    expect(fromBuilder.decode(await talk.next())).toEqual({ kind: 'done' });
    // Nothing in, nothing out, what it says to the operator, the launcher, the client; the rest is Node's own.
    const held = [...descriptorsOf(processOf(builders()[0]!))]
      .filter(([fd, what]) => !/^anon_inode:|^pipe:/.test(what) && (fd < 3 || !/^\/(dev\/null)?$/.test(what)))
      .sort(([one], [other]) => one - other);
    expect(held.map(([, what]) => what.replace(/\[.*\]/, ''))).toEqual([
      ...['/dev/null', '/dev/null'],
      ...['socket:', 'socket:', 'socket:'],
    ]);
    builder.end();
    expect(await builder.ended).toBe('it got SIGKILL');
    expect(builder.channel.closed).toBeDefined();
    expect(await leftIn(runtime)).toEqual([]);
  },
);

onLinux(
  'two builders are two processes, and one that stands still is ended all the same',
  { timeout: DEADLINE },
  async () => {
    const [one, other] = await Promise.all([startBuilder(), startBuilder()]);
    const [still] = builders();
    expect(builders()).toHaveLength(2);
    process.kill(processOf(still!), 'SIGSTOP');
    one.end();
    other.end();
    await Promise.all([one.ended, other.ended]);
    await untilGone(still!);
    expect(await leftIn(runtime)).toEqual([]);
  },
);

onLinux('what is no job closes the channel', { timeout: DEADLINE }, async () => {
  const builder = await startBuilder();
  const closed = new Promise<string>((resolve) => builder.channel.listen({ frame: () => undefined, closed: resolve }));
  builder.channel.send(Uint8Array.of(1, 2, 3));
  expect(await closed).toBe('A malformed job');
  builder.end();
  await builder.ended;
});

onLinux('a launcher whose client is gone before it was ready serves the next one', { timeout: DEADLINE }, async () => {
  expect(await leftIn(runtime)).toEqual([]);
  const { launcher, toolstack } = socketsHere();
  const child = spawn(process.execPath, [fileURLToPath(bundleUrl('launcher')), launcher, toolstack], {
    detached: true,
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  child.stdout.destroy();
  child.stdin.end(JSON.stringify(makeRecipes(await knownLevel(runtime))));
  while (!existsSync(toolstack)) await sleep(5);
  const builder = await startBuilder();
  expect(child.exitCode).toBeNull();
  expect(launchedIn(runtime)[0]?.pid).toBe(child.pid);
  builder.end();
  await builder.ended;
  expect(await leftIn(runtime)).toEqual([]);
});
