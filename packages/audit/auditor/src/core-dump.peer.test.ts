import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeEach, expect, test } from 'vitest';
import { measureEnclave, startEnclave } from '../../../host/launcher/src/index.ts';
import { processOf } from '../../../host/launcher/src/sandbox/linux/process-of.ts';
import { launchedIn } from '../../../host/launcher/src/testing/residue.ts';
import { type AuditContext, addStore } from './index.ts';
import { withAudit } from './open-audit.ts';
import { type Laboratory, laboratory, noise } from './testing/laboratory.ts';

// The sealing key, 32 random bytes, is the canary: an enclave that crashes leaves it in no file. gdb makes it crash, and
// shows where the key is.

const DEADLINE = 60_000;
const runtime = mkdtempSync(join(tmpdir(), 'core-dump-'));
process.env.CLOISTER_RUNTIME_DIR = runtime;
afterAll(() => rmSync(runtime, { recursive: true, force: true }));
let lab: Laboratory;
beforeEach(() => {
  lab = laboratory();
  lab.write('file', noise(16_384));
});
afterEach(() => lab.close());

const tool = (command: string, args: readonly string[]): string =>
  execFileSync(command, args, { encoding: 'utf8', timeout: DEADLINE, stdio: ['ignore', 'pipe', 'ignore'] });
/** A fault that no handler returns from. A signal would not do: the first process of a PID namespace ignores it. */
const crash = (pid: number): string =>
  tool('gdb', ['-p', String(pid), '-batch', '-ex', 'set confirm off', '-ex', 'set $pc = 0', '-ex', 'detach']);
const enclaveProcess = (): number => {
  const { pid } = launchedIn(runtime).find(({ command }) => command.includes('enclave.cjs'))!;
  return processOf(pid);
};

/** Files below these folders that came since, and hold the bytes. */
function holding(bytes: Buffer, since: number, folders: readonly string[]): readonly string[] {
  return folders.flatMap((folder) =>
    readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map(({ name }) => join(folder, name))
      .filter((path) => statSync(path).mtimeMs >= since - 1000 && readFileSync(path).includes(bytes)),
  );
}

test('an enclave that crashes leaves its key in no file', { timeout: DEADLINE }, async () => {
  const context: AuditContext = { startEnclave, measureEnclave };
  await addStore(context, lab.store, { name: 'lab' });
  const key = lab.kept().get('data/audit-keys/lab.key')!;
  const begun = Date.now();
  const logs = (): readonly string[] =>
    readdirSync(runtime, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }) => join(parentPath, name))
      .filter((path) => readFileSync(path).includes(key));
  const crashed = withAudit(context, 'lab', undefined, async ({ link }) => {
    const pid = enclaveProcess();
    expect(readFileSync(`/proc/${pid}/limits`, 'latin1')).toMatch(/Max core file size\s+0\s+0\s/);
    // The control: who may look into the process has a dump with the key in it.
    const dump = join(lab.home, 'dump');
    tool('gcore', ['-o', dump, String(pid)]);
    expect(readFileSync(`${dump}.${pid}`).includes(key)).toBe(true);
    rmSync(`${dump}.${pid}`);
    crash(pid);
    await link.run({ kind: 'list' }, () => undefined);
  });
  await expect(crashed).rejects.toMatchObject({ code: 'enclave-failed' });
  expect(holding(key, begun, [process.cwd(), tmpdir(), '/', runtime, lab.store])).toEqual([]);
  expect(logs()).toEqual([]);
});

const dumpsToFiles = /^core$/.test(readFileSync('/proc/sys/kernel/core_pattern', 'latin1').trim());
test.runIf(dumpsToFiles)('the control: without the limit a crash leaves it in one', { timeout: DEADLINE }, async () => {
  const canary = Buffer.from(noise(32, 77));
  for (const [limit, files] of [
    ['unlimited', 1],
    ['0', 0],
  ] as const) {
    const folder = join(lab.home, limit);
    mkdirSync(folder);
    const program = `const key = Buffer.from(process.argv[1], 'hex').map((byte) => byte ^ 1);
      process.stdout.write('ready'); setInterval(() => key, 1000);`;
    const hidden = Buffer.from(canary.map((byte) => byte ^ 1)).toString('hex');
    const child = spawn('prlimit', [`--core=${limit}`, process.execPath, '-e', program, hidden], { cwd: folder });
    const ended = new Promise((resolve) => child.once('exit', resolve));
    await new Promise((resolve) => child.stdout.once('data', resolve));
    crash(child.pid!);
    await Promise.race([ended, sleep(DEADLINE / 3)]);
    expect(holding(canary, 0, [folder]), limit).toHaveLength(files);
  }
});
