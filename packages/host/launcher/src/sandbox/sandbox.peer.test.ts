import { once } from 'node:events';
import {
  closeSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { afterAll, expect, test } from 'vitest';
import { inheritedDescriptors } from '../privileged/close-inherited.ts';
import { COMPARTMENT_KINDS, type CompartmentKind, filterName, isJitless } from './compartment-kind.ts';
import { reachLevel } from './level.ts';
import { everyFilter } from './linux/every-filter.ts';
import { processOf } from './linux/process-of.ts';
import { thisNode } from './node-runtime.ts';
import { type SandboxFile, sandboxed } from './sandbox.ts';
import { startSandboxed } from './start-sandboxed.ts';

const node = thisNode();
const filters = new Map(everyFilter());
const filterOf = (kind: CompartmentKind, landlock = false): SandboxFile => {
  const name = filterName(kind, node.architecture, { jitless: isJitless(kind, node.major), landlock });
  return { name, path: name, bytes: filters.get(name)! };
};
const text = (name: string, value: string): SandboxFile => ({
  name,
  path: name,
  bytes: new TextEncoder().encode(value),
});
const directory = mkdtempSync(join(tmpdir(), 'cloister-sandbox-'));
afterAll(() => rmSync(directory, { recursive: true }));

/** What a compartment of each kind does at least: a link, a timer, hashes, and of its own kind storage's writes or a worker. */
const ENTRY = `
import { createHash } from 'node:crypto';
import { fdatasync, read, write } from 'node:fs';
import { Socket } from 'node:net';
import { promisify } from 'node:util';
import { Worker } from 'node:worker_threads';
const kind = process.argv[2];
const link = new Socket({ fd: 3, readable: true, writable: true });
for (let i = 0; i < 100; i++) createHash('sha256').update(Buffer.alloc(4096)).digest();
if (kind === 'storage') {
  const bytes = Buffer.from('stored');
  await promisify(write)(4, bytes, 0, 6, 4096);
  await promisify(fdatasync)(4);
  await promisify(read)(4, bytes, 0, 6, 4096);
}
if (kind === 'machine') {
  const memory = new WebAssembly.Memory({ initial: 16, maximum: 65536, shared: true });
  const hart = new Worker(new URL('hart.mjs', import.meta.url), { workerData: memory });
  await new Promise((resolve) => hart.on('message', resolve));
}
link.write('started');
link.on('data', () => setTimeout(() => process.exit(), 10));
`;
const HART = `
import { parentPort, workerData } from 'node:worker_threads';
const module = Uint8Array.of(0,97,115,109,1,0,0,0,1,5,1,0x60,0,1,0x7f,3,2,1,0,7,5,1,1,0x66,0,0,10,6,1,4,0,0x41,42,11);
for (let i = 0; i < 100; i++) new WebAssembly.Instance(new WebAssembly.Module(module)).exports.f();
workerData.grow(16);
parentPort.postMessage('done');
setInterval(() => Atomics.wait(new Int32Array(workerData.buffer), 0, 0, 10), 0);
`;

test.each(COMPARTMENT_KINDS)('a %s starts at the full level with what it was handed and nothing else', async (kind) => {
  const store = join(directory, kind);
  writeFileSync(store, '');
  const descriptor = openSync(store, 'r+');
  const child = startSandboxed(
    sandboxed('full', {
      ...{ kind, node, filter: filterOf(kind), inherited: 2, dataBytes: 2 ** 29, args: [kind] },
      files: [text('entry.mjs', ENTRY), text('hart.mjs', HART)],
    }),
    ['ignore', 'ignore', 'pipe', 'pipe', descriptor],
  );
  closeSync(descriptor);
  let said = '';
  child.stderr!.on('data', (bytes) => {
    said += bytes;
  });
  const link = child.stdio[3] as Duplex;
  const clock = setTimeout(() => child.kill('SIGKILL'), 20_000);
  const end = once(child, 'exit');
  const first = await Promise.race([once(link, 'data').then(String), end.then((exit) => `${exit}: ${said}`)]);
  expect(first).toBe('started');

  const pid = processOf(child.pid!);
  // The test's own process closes nothing that its parents left it with; the launcher does.
  const strays = inheritedDescriptors().map(String);
  // Node keeps its own empty root open; what lies in the compartment's own mounts came from nowhere else.
  const mounts = new Set(readFileSync(`/proc/${pid}/mountinfo`, 'latin1').match(/^\d+/gm));
  const links = readdirSync(`/proc/${pid}/fd`)
    .filter((fd) => !strays.includes(fd))
    .filter((fd) => !mounts.has(/^mnt_id:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/fdinfo/${fd}`, 'latin1'))![1]!))
    .map((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`));
  expect(links.filter((target) => target.startsWith('/')).sort()).toEqual(['/dev/null', '/dev/null', store].sort());
  // stderr and the link; libuv's own pipes and epoll descriptors have no name outside.
  expect(links.filter((target) => target.startsWith('socket:'))).toHaveLength(2);
  const status = readFileSync(`/proc/${pid}/status`, 'latin1');
  expect(status).toMatch(/^NoNewPrivs:\t1$/m);
  expect(status).toMatch(/^Seccomp:\t2$/m);
  for (const set of ['CapPrm', 'CapEff', 'CapBnd', 'CapAmb', 'CapInh'])
    expect(status).toMatch(new RegExp(`^${set}:\t0+$`, 'm'));
  link.write('end');
  expect(await end).toEqual([0, null]);
  clearTimeout(clock);
  if (kind === 'storage') expect(readFileSync(store, 'latin1').slice(4096)).toBe('stored');
});

test('this machine reaches the full level', async () => {
  const reached = await reachLevel(node, (kind, { landlock }) => filterOf(kind, landlock));
  expect(reached).toEqual({ level: 'full', missing: [] });
});

test('a data limit below what it needs ends the compartment alone', async () => {
  const child = startSandboxed(
    sandboxed('full', {
      ...{ kind: 'storage', node, filter: filterOf('storage'), inherited: 0, dataBytes: 2 ** 27 },
      files: [text('entry.cjs', 'const all = []; for (;;) all.push(Buffer.alloc(2 ** 24, 1));')],
      args: [],
    }),
    ['ignore', 'ignore', 'ignore'],
  );
  const clock = setTimeout(() => child.kill('SIGKILL'), 20_000);
  const [code] = (await once(child, 'exit')) as [number | null];
  clearTimeout(clock);
  expect(code).not.toBe(null);
  expect(code).not.toBe(0);
});
