import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type AuditContext, addStore, hungCalls, runAudit } from '../index.ts';
import { enclaveHere, measuredHere } from '../testing/enclave-here.ts';
import { type Laboratory, laboratory, noise } from '../testing/laboratory.ts';
import { until } from '../testing/service.ts';
import { openStore } from './open-store.ts';

/** A file system in user space that answers nothing, as a network mount whose server is gone: it needs to be root. */
const MOUNT = `
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
fd = os.open('/dev/fuse', os.O_RDWR)
options = f'fd={fd},rootmode=40000,user_id=0,group_id=0'
if libc.mount(b'hung', sys.argv[1].encode(), b'fuse.hung', 0, options.encode()) != 0: sys.exit(os.strerror(ctypes.get_errno()))
print('mounted', flush=True)
sys.stdin.read()
libc.umount2(sys.argv[1].encode(), 2)
`;
const context: AuditContext = {
  startEnclave: enclaveHere(),
  measureEnclave: measuredHere,
  openStore: (name, options = {}) => openStore(name, { ...options, deadlineMs: 300 }),
};
let lab: Laboratory;
let mount: ChildProcess | undefined;
beforeEach(() => {
  lab = laboratory();
});
afterEach(async () => {
  // Whatever waits for it is told that it is gone.
  mount?.stdin?.end();
  await until(() => mount === undefined || mount.exitCode !== null, 'The end of the mount', 10_000);
  await until(() => hungCalls() === 0, 'The end of what hung', 10_000);
  mount = undefined;
  lab.close();
}, 30_000);

async function hang(path: string): Promise<void> {
  mount = spawn('python3', ['-c', MOUNT, path], { stdio: ['pipe', 'pipe', 'inherit'] });
  await new Promise<void>((resolve, reject) => {
    mount!.stdout!.once('data', () => resolve());
    mount!.once('exit', (code) => reject(new Error(`No mount (${code})`)));
  });
}

test('a folder of a store that hangs is timed out in an audit, whose receipt is written, and is read again once it answers', async () => {
  lab.write('near', noise(10_000));
  lab.write('far/file', noise(10_000));
  lab.write('far/other', noise(10_000));
  await addStore(context, lab.store, { name: 'lab', blockBytes: 4096 });
  const far = join(lab.store, 'far');
  renameSync(far, join(lab.home, 'far'));
  mkdirSync(far);
  await hang(far);
  const { wrong, number } = await runAudit(context, 'lab', { all: true });
  expect(number).toBe(1);
  expect(new Set(wrong.map(({ finding }) => finding))).toEqual(new Set(['timed-out']));
  expect(wrong.map(({ path }) => path)).toEqual(expect.arrayContaining(['far/file', 'far/other']));
  expect([...lab.kept().keys()].filter((path) => path.endsWith('.cose'))).toHaveLength(1);
  mount!.stdin!.end();
  await until(() => hungCalls() === 0, 'The end of what hung', 10_000);
  renameSync(join(lab.home, 'far'), far);
  expect(await runAudit(context, 'lab', { all: true })).toMatchObject({ wrong: [] });
}, 60_000);

test('a store that hangs as a whole says so in one line', async () => {
  await hang(lab.store);
  const added = addStore(context, join(lab.store, 'inside'), { name: 'lab' });
  await expect(added).rejects.toMatchObject({ code: 'store-unreachable' });
}, 60_000);
