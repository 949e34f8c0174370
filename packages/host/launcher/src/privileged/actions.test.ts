import { once } from 'node:events';
import { linkSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type FromToolstack, SPAWNED_KINDS, type SpawnedKind, type ToToolstack } from '@cloister/protocol';
import { afterAll, afterEach, expect, test } from 'vitest';
import { writeLine } from '../lines.ts';
import { readLines } from '../read-lines.ts';
import type { Recipes } from '../recipes.ts';
import { descriptorsOf } from '../testing/residue.ts';
import { createActions } from './actions.ts';
import { readCode } from './capability.ts';
import { createLinkMaker } from './link.ts';
import { createOffers } from './offers.ts';

const onLinux = test.runIf(process.platform === 'linux');
const folder = mkdtempSync(join(tmpdir(), 'actions-'));
const file = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};
const code = file('code.mjs', 'setInterval(() => undefined, 1000);');
const disk = file('disk.img', 'a disk');

const offers = createOffers();
const server = createServer({ allowHalfOpen: true }, offers.connected);
await once(server.listen(join(folder, 'launcher.sock')), 'listening');
const makeLink = await createLinkMaker(join(folder, 'links.sock'));
const recipes: Recipes = Object.fromEntries(
  SPAWNED_KINDS.map((kind) => [
    kind,
    {
      ...{ level: 'none', file: process.execPath, args: ['{path:1}'], env: {}, fed: false },
      ...{ extraBytes: 0, extraDescriptors: 0 },
      files: ['filter', `${kind}.cjs`].map((name) => ({ name, path: code, hash: readCode(code).hash })),
    },
  ]),
);
const sockets: Socket[] = [];
afterAll(() => {
  server.close();
  rmSync(folder, { recursive: true, force: true });
});
const clean: (() => void)[] = [];
afterEach(() => {
  for (const one of clean.splice(0)) one();
  for (const one of sockets.splice(0)) one.destroy();
});

/** A toolstack as the launcher sees it: what it asks, what it hears. */
function toolstack(changed: Recipes = {}) {
  const heard: ToToolstack[] = [];
  const actions = createActions({
    recipes: { ...recipes, ...changed },
    claim: offers.claim,
    link: makeLink,
    tell: (what) => heard.push(what),
  });
  clean.push(actions.killAll);
  return {
    heard,
    /** What it hears of that, at once. */
    async ask(...requests: readonly FromToolstack[]) {
      const from = heard.length;
      for (const request of requests) await actions.act(request);
      return heard.slice(from);
    },
  };
}
const spawn = (kind: SpawnedKind, more: Partial<Extract<FromToolstack, { do: 'spawn' }>> = {}): FromToolstack => ({
  ...{ do: 'spawn', id: 'one', kind, links: [], deposits: [], settings: {}, dataBytes: 2 ** 29 },
  ...more,
});
const refusal = (why: RegExp, id = 'one') => [{ refused: id, why: expect.stringMatching(why) }];

async function client(request: object) {
  const socket = connect(join(folder, 'launcher.sock'));
  sockets.push(socket);
  const next = readLines(socket);
  writeLine(socket, request);
  const line = await next();
  return { socket, answer: (line === undefined ? undefined : JSON.parse(line)) as { id: string } | undefined };
}
const deposit = (more: object = {}) =>
  client({
    ...{
      do: 'deposit',
      stores: [{ path: disk, write: false }],
      slice: null,
      hart: null,
      area: null,
      debug: false,
      machine: { mine: 1 },
    },
    ...more,
  });
const heldBy = async (heard: readonly ToToolstack[]): Promise<string[]> => {
  const started = heard.find((what) => 'started' in what) as Extract<ToToolstack, { started: string }>;
  await sleep(100);
  return [...descriptorsOf(started.pid!).values()];
};

onLinux('what a client deposits has an id that works once, and is withdrawn with its connection', async () => {
  const { ask } = toolstack();
  const { answer } = await deposit();
  const { id } = answer!;
  expect(answer).toEqual({ id: expect.stringMatching(/^[0-9a-f]{64}$/), bytes: [6] });
  expect(await ask({ do: 'claim', id })).toEqual([{ had: id, files: 1 }]);
  expect(await ask({ do: 'claim', id })).toEqual(refusal(/there already/, id));
  expect(await ask({ do: 'close', id }, { do: 'claim', id })).toEqual(refusal(/Nobody has brought/, id));
  const other = await deposit();
  other.socket.destroy();
  await sleep(100);
  expect(await ask({ do: 'claim', id: other.answer!.id })).toEqual(refusal(/Nobody has brought/, other.answer!.id));
  expect([...descriptorsOf('self').values()].filter((path) => path === disk)).toEqual([]);
});

onLinux('a client hears which file is to blame, and none stays open', async () => {
  const stores = [disk, folder].map((path) => ({ path, write: false }));
  expect((await deposit({ stores })).answer).toEqual({ refused: 'EISDIR', at: 1 });
  expect((await deposit({ hart: join(folder, 'none') })).answer).toEqual({ refused: 'ENOENT', at: 1 });
  expect((await deposit({ stores: [{ path: '/dev/null', write: true }] })).answer).toEqual({ refused: 'ENXIO', at: 0 });
  expect((await client({ do: 'spawn', kind: 'slice' })).answer).toBeUndefined();
  expect([...descriptorsOf('self').values()].filter((path) => path === disk)).toEqual([]);
});

onLinux('what one VM may write, another may not, by whatever name', async () => {
  const other = join(folder, 'other name');
  linkSync(disk, other);
  const writing = (path: string) => deposit({ stores: [{ path, write: true }] });
  const first = await writing(disk);
  expect((await writing(other)).answer).toEqual({ refused: 'EBUSY', at: 0 });
  expect((await deposit()).answer).toEqual({ id: expect.anything(), bytes: [6] });
  first.socket.destroy();
  await sleep(100);
  expect((await writing(other)).answer).toEqual({ id: expect.anything(), bytes: [6] });
});

onLinux('stores go to storage, whoever else is given the deposit gets none', async () => {
  for (const kind of SPAWNED_KINDS) {
    const { ask } = toolstack();
    const { answer } = await deposit({ debug: true });
    const { id } = answer!;
    const heard = await ask({ do: 'claim', id }, spawn(kind, { deposits: [id] }));
    const held = await heldBy(heard);
    expect([kind, held.filter((path) => path === disk).length]).toEqual([kind, kind === 'storage' ? 1 : 0]);
    await ask({ do: 'close', id });
  }
});

test('what is not there, is there already or is nobody’s is refused, and nothing runs', async () => {
  const { ask, heard } = toolstack();
  const epoch = Buffer.alloc(16).toString('base64');
  expect(await ask(spawn('slice', { links: [{ id: 'none', end: 0, epoch }] }))).toEqual(refusal(/There is no "none"/));
  expect(await ask(spawn('storage', { deposits: [disk] }))).toEqual(refusal(/There is no/));
  expect(await ask(spawn('machine'))).toEqual(refusal(/somebody’s/));
  expect(await ask({ do: 'close', id: 'none' })).toEqual(refusal(/There is no/, 'none'));
  const { answer } = await client({ do: 'attach' });
  const { id } = answer!;
  expect(await ask({ do: 'claim', id }, spawn('builder', { links: [{ id, end: 1, epoch }] }))).toEqual([
    { had: id, files: 0 },
    ...refusal(/no such end/),
  ]);
  expect(await ask({ do: 'link', id: 'a' }, { do: 'link', id: 'a' })).toEqual([
    { had: 'a', files: 0 },
    ...refusal(/there already/, 'a'),
  ]);
  expect(heard.filter((what) => 'started' in what)).toEqual([]);
  expect(await ask({ do: 'close', id }, { do: 'close', id: 'a' })).toEqual([]);
});

test('code that is not what the manifest says does not run, nor a build in another’s place', async () => {
  const changed = { ...recipes.slice!, files: recipes.slice!.files.map((one) => ({ ...one, hash: '0'.repeat(64) })) };
  expect(await toolstack({ slice: changed }).ask(spawn('slice'))).toEqual(refusal(/is not what the manifest says/));
  const { ask } = toolstack();
  const build = file('build.mjs', 'setInterval(() => undefined, 2000);');
  const { answer } = await deposit({ slice: build });
  const { id } = answer!;
  await ask({ do: 'claim', id });
  const codeOf = async (kind: SpawnedKind, name: string) =>
    (await ask(spawn(kind, { id: name, deposits: [id] }))).find((what) => 'started' in what);
  expect(await codeOf('slice', 'two')).toMatchObject({ code: readCode(build).hash });
  expect(await codeOf('storage', 'three')).toMatchObject({ code: readCode(code).hash });
  await ask({ do: 'close', id });
});

test('a slice leaves its sandbox only where a client deposited that it wants so', async () => {
  const { ask } = toolstack();
  const { id } = (await deposit()).answer!;
  expect(await ask({ do: 'claim', id }, spawn('debug', { deposits: [id] }))).toEqual([
    { had: id, files: 1 },
    ...refusal(/Nobody wants to debug/),
  ]);
  const wanted = (await deposit({ debug: true })).answer!.id;
  const heard = await ask({ do: 'claim', id: wanted }, spawn('debug', { deposits: [wanted] }));
  expect(heard[1]).toMatchObject({ started: 'one', level: 'none' });
});

onLinux('it stops, lets go on and kills what it has started, and nothing else', async () => {
  const { ask, heard } = toolstack();
  await ask(spawn('slice'));
  const pid = (heard.find((what) => 'started' in what) as Extract<ToToolstack, { started: string }>).pid!;
  const usage = async () => ((await ask({ do: 'usage' })).at(-1) as Extract<ToToolstack, { usage: unknown }>).usage;
  expect(await usage()).toEqual([['one', expect.stringMatching(new RegExp(`^${pid} \\(.*\\) `))]]);
  await ask(
    { do: 'pause', id: 'one' },
    { do: 'kill', id: String(process.pid) },
    { do: 'pause', id: `${process.ppid}` },
  );
  while (!/^\d+ \(.*\) T /.test((await usage())[0]![1]!)) await sleep(20);
  await ask({ do: 'resume', id: 'one' });
  while (/^\d+ \(.*\) T /.test((await usage())[0]![1]!)) await sleep(20);
  await ask({ do: 'kill', id: 'one' });
  while (!heard.some((what) => 'ended' in what)) await sleep(20);
  expect(heard.at(-1)).toEqual({ ended: 'one', how: 'it got SIGKILL' });
  expect(await usage()).toEqual([]);
});

onLinux('of a client’s connection one line counts, and one without end is cut off', async () => {
  const socket = connect(join(folder, 'launcher.sock'));
  sockets.push(socket);
  const next = readLines(socket);
  socket.write('{"do":"attach"}\n{"do":"attach"}\n');
  expect(JSON.parse((await next())!)).toMatchObject({ bytes: [] });
  const long = connect(join(folder, 'launcher.sock'));
  sockets.push(long);
  long.on('error', () => undefined);
  const closed = new Promise((resolve) => long.once('close', resolve));
  long.write('x'.repeat(2 * 1024 * 1024));
  long.resume();
  await closed;
});
