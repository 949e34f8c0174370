import { spawn } from 'node:child_process';
import {
  createReadStream,
  existsSync,
  ftruncateSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { cacheDirectory } from '@cloister/images';
import { audits, machines, Sandbox } from '@cloister/sdk';
import { bundleUrl } from '../../packages/host/launcher/src/bundles.ts';
import { socketsHere } from '../../packages/host/launcher/src/client/connect.ts';
import { makeRecipes } from '../../packages/host/launcher/src/client/make-recipes.ts';
import { COMPARTMENT_KINDS, type CompartmentKind } from '../../packages/host/launcher/src/sandbox/compartment-kind.ts';
import { rulesOf } from '../../packages/host/launcher/src/sandbox/linux/allow-lists.ts';
import type { FullCheck } from '../full.ts';

const SECONDS = 120;
const QUICK_SECONDS = 10;
const DISK_BYTES = 64 * 2 ** 20;
/** Between two kills, in milliseconds: time for the one before to have been replaced under strace. */
const KILL_EVERY_MS = 4000;

/**
 * Traces every compartment while two guests boot, use their disks and lose slice, storage and scheduler again and again,
 * and a store is audited.
 */
export const systemCalls: FullCheck = async ({ quick }) => {
  const folder = mkdtempSync(join(tmpdir(), 'cloister-system-calls-'));
  process.env.CLOISTER_RUNTIME_DIR = join(folder, 'runtime');
  // Images stay where they are; audits go with the folder.
  process.env.CLOISTER_CACHE_DIR ??= cacheDirectory();
  process.env.CLOISTER_HOME = join(folder, 'home');
  const log = join(folder, 'trace');
  try {
    const seconds = quick ? QUICK_SECONDS : SECONDS;
    const kills = await underTrace(log, () => useEverything(folder, seconds));
    const kinds = await countCalls(log);
    const seen = Object.keys(kinds);
    const clean = Object.values(kinds).every(({ outside }) => Object.keys(outside).length === 0);
    const whole = ['machine', 'slice', 'storage', 'scheduler', 'toolstack', 'enclave'].every((kind) =>
      seen.includes(kind),
    );
    return { holds: clean && whole && kills > 0, runSeconds: seconds, kills, kinds };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};

/** Starts the launcher under strace where clients look for it; what it starts is traced with it. */
async function underTrace<T>(log: string, use: () => Promise<T>): Promise<T> {
  const { launcher, toolstack } = socketsHere();
  const program = [process.execPath, fileURLToPath(bundleUrl('launcher')), launcher, toolstack];
  const strace = spawn('strace', ['-f', '-qq', '-e', 'signal=none', '-s', '200', '-o', log, ...program], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  strace.stdin.end(JSON.stringify(makeRecipes('full')));
  const ended = new Promise<void>((resolve) => strace.once('exit', () => resolve()));
  while (!existsSync(toolstack)) await sleep(10);
  const used = await use();
  await ended;
  return used;
}

/** Returns how many processes were killed. */
async function useEverything(folder: string, seconds: number): Promise<number> {
  const disk = join(folder, 'disk.img');
  ftruncateSync(openSync(disk, 'w'), DISK_BYTES);
  const [one, other] = [
    await Sandbox.create({ image: 'debian', disks: [disk] }),
    await Sandbox.create({ image: 'busybox' }),
  ];
  let kills = 0;
  let over = false;
  const killing = (async () => {
    for (let next = 0; !over; next += 1) {
      await sleep(KILL_EVERY_MS);
      if (over) break;
      const { vm } = (await machines.list())[0]!;
      const kind = ['slice', 'storage', 'scheduler'][next % 3]!;
      const part = (await machines.inspect(vm)).compartments.find((each) => each.kind === kind);
      if (part?.pid == null || over) continue;
      process.kill(part.pid, 'SIGKILL');
      kills += 1;
    }
  })();
  const script = `for i in 1 2 3; do dd if=/dev/urandom of=/dev/vdb bs=1M count=8 conv=fsync status=none
    md5sum /dev/vdb /usr/bin/* > /root/sums; sync; echo 3 > /proc/sys/vm/drop_caches; md5sum --quiet -c /root/sums; done`;
  try {
    const store = join(folder, 'store');
    mkdirSync(store);
    writeFileSync(join(store, 'file'), 'x'.repeat(10_000_000));
    await audits().add(store, { name: 'traced' });
    for (const deadline = Date.now() + 1000 * seconds; Date.now() < deadline; ) {
      await audits().run('traced', { all: true });
      const { exitCode, stderr } = await one.commands.run(['sh', '-c', script]);
      if (exitCode !== 0) throw new Error(`The guest's script ended with ${exitCode}: ${stderr}`);
      await other.commands.run(['sh', '-c', 'cat; date'], { stdin: 'x'.repeat(200_000) });
    }
  } finally {
    over = true;
    await killing;
    await one.kill();
    await other.kill();
  }
  return kills;
}

interface Calls {
  /** Processes of the kind. */
  processes: number;
  calls: number;
  /** Calls that the kind's list does not have. */
  readonly outside: Record<string, number>;
  /** Calls that it has and that were not made. */
  unused: string[];
}

/** Counts a trace by the kind of the process: what bubblewrap does before Node begins does not count. */
async function countCalls(log: string): Promise<Record<string, Calls>> {
  const kindOf = new Map<string, CompartmentKind>();
  const found: Record<string, Calls> = {};
  const made: Record<string, Set<string>> = {};
  for await (const line of createInterface({ input: createReadStream(log, 'latin1') })) {
    const [, pid, name] = /^(\d+) +(?:<\.\.\. )?([a-z_0-9]+)/.exec(line) ?? [];
    if (pid === undefined || name === undefined) continue;
    if (name === 'execve' && line.includes('execve("/n/node"')) {
      const kind = COMPARTMENT_KINDS.find((one) => line.includes(`"/app/${one}.cjs"`));
      if (kind === undefined) continue;
      kindOf.set(pid, kind);
      (found[kind] ??= { processes: 0, calls: 0, outside: {}, unused: [] }).processes += 1;
      made[kind] ??= new Set();
      continue;
    }
    const kind = kindOf.get(pid);
    if (kind === undefined) continue;
    const born = /^\d+ +(?:clone\(|<\.\.\. clone resumed).* = (\d+)$/.exec(line)?.[1];
    if (born !== undefined) kindOf.set(born, kind);
    if (line.includes('resumed>')) continue;
    const calls = found[kind]!;
    calls.calls += 1;
    made[kind]!.add(name);
    if (!rulesOf(kind, { jitless: false, landlock: false }).has(name as never))
      calls.outside[name] = (calls.outside[name] ?? 0) + 1;
  }
  for (const [kind, calls] of Object.entries(found))
    calls.unused = [...rulesOf(kind as CompartmentKind, { jitless: false, landlock: false }).keys()].filter(
      (name) => !made[kind]!.has(name),
    );
  return found;
}
