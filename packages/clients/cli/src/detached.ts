import { spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CloisterError, machines, newMachineId, runtimeDirectory } from '@cloister/sdk';

/**
 * Runs in the background: a `cloister run` of its own, the attendant, holds the VM and keeps what it says in files. That
 * is all there is to one; the launcher knows nothing of it.
 */
export interface DetachedRun {
  readonly vm: string;
  readonly label: string;
  /** Milliseconds since 1970. */
  readonly started: number;
  /** Undefined while it runs; null when it was lost with its attendant. */
  readonly status: number | null | undefined;
}

/** Tells the attendant which run it is; set for it alone. */
const ATTENDANT = 'CLOISTER_ATTENDS';

const directory = (): string => join(runtimeDirectory(), 'runs');
const fileOf = (vm: string, name: 'run.json' | 'status' | 'stdout' | 'stderr'): string => join(directory(), vm, name);

/** The VM that this process attends, if it is an attendant. */
export const attended = (): string | undefined => process.env[ATTENDANT];

/** The attendant's last word. */
export function recordStatus(status: number): void {
  const vm = attended();
  if (vm !== undefined && existsSync(join(directory(), vm))) writeFileSync(fileOf(vm, 'status'), `${status}`);
}

/** Starts an attendant with this command line; resolves with the VM's number once it runs. @throws CloisterError */
export async function detach(label: string): Promise<string> {
  const vm = newMachineId();
  mkdirSync(join(directory(), vm), { recursive: true, mode: 0o700 });
  writeFileSync(fileOf(vm, 'run.json'), JSON.stringify({ label, started: Date.now() }));
  const [stdout, stderr] = [openSync(fileOf(vm, 'stdout'), 'a', 0o600), openSync(fileOf(vm, 'stderr'), 'a', 0o600)];
  const attendant = spawn(process.execPath, process.argv.slice(1), {
    detached: true,
    stdio: ['ignore', stdout, stderr],
    env: { ...process.env, [ATTENDANT]: vm },
  });
  closeSync(stdout);
  closeSync(stderr);
  let over = false;
  attendant.once('exit', () => {
    over = true;
  });
  while (!over && !(await machines.list()).some((one) => one.vm === vm)) await sleep(50);
  attendant.unref();
  // A command may be over before anybody looks: that is a run like any other.
  if (over && readStatus(vm) === null) {
    const said = readFileSync(fileOf(vm, 'stderr'), 'utf8').trim().split('\n').at(-1)!;
    rmSync(join(directory(), vm), { recursive: true, force: true });
    throw new CloisterError('machine-failed', said.replace(/^cloister: /, ''), { hint: 'Run it without -d' });
  }
  return vm;
}

/** What was started with `run -d` and not removed. */
export async function detachedRuns(): Promise<readonly DetachedRun[]> {
  if (!existsSync(directory())) return [];
  const running = new Set((await machines.list()).map(({ vm }) => vm));
  return readdirSync(directory()).flatMap((vm) => {
    try {
      const { label, started } = JSON.parse(readFileSync(fileOf(vm, 'run.json'), 'utf8')) as DetachedRun;
      const status = readStatus(vm) ?? (running.has(vm) ? undefined : null);
      return [{ vm, label, started, status }];
    } catch {
      return [];
    }
  });
}

function readStatus(vm: string): number | null {
  try {
    return Number(readFileSync(fileOf(vm, 'status'), 'utf8'));
  } catch {
    return null;
  }
}

/** What a detached run has written so far, or undefined when there is no such run. */
export function outputOf(vm: string): { readonly stdout: Buffer; readonly stderr: Buffer } | undefined {
  if (!/^[0-9a-f]{8}$/.test(vm) || !existsSync(fileOf(vm, 'run.json'))) return undefined;
  return { stdout: readFileSync(fileOf(vm, 'stdout')), stderr: readFileSync(fileOf(vm, 'stderr')) };
}

export function removeRun(vm: string): void {
  rmSync(join(directory(), vm), { recursive: true, force: true });
}
