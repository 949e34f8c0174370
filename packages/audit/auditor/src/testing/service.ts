import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chownSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** Who services run as where tests run as root. */
const NOBODY = 65534;
const isRoot = process.getuid?.() === 0;
const UNPRIVILEGED = isRoot ? ['--reuid', String(NOBODY), '--regid', String(NOBODY), '--clear-groups'] : [];

/** Programs that run beside a test: as nobody, in a directory of their own, and never longer than the test's process. */
export interface Services {
  /** Where their files lie. */
  readonly directory: string;
  /** Runs a program to its end and returns what it said. @throws with what it complained of */
  run(command: string, args: readonly string[]): string;
  /** Starts one that stays. */
  start(command: string, args: readonly string[]): ChildProcess;
  /** What the services have said. */
  log(): string;
  stop(): Promise<void>;
}

export function services(name: string): Services {
  const directory = mkdtempSync(join(tmpdir(), `cloister-${name}-`));
  if (isRoot) chownSync(directory, NOBODY, NOBODY);
  const log = join(directory, 'services.log');
  const running: ChildProcess[] = [];
  return {
    directory,
    log: () => readFileSync(log, 'utf8'),
    run: (command, args) =>
      execFileSync('setpriv', [...UNPRIVILEGED, command, ...args], {
        ...{ cwd: directory, encoding: 'utf8', timeout: 60_000, killSignal: 'SIGKILL' },
        env: { ...process.env, HOME: directory },
        stdio: ['ignore', 'pipe', 'pipe'],
      }),
    start(command, args) {
      const file = openSync(log, 'a');
      const child = spawn('setpriv', [...UNPRIVILEGED, '--pdeathsig', 'KILL', command, ...args], {
        ...{ cwd: directory, stdio: ['ignore', file, file] },
        env: { ...process.env, HOME: directory },
      });
      running.push(child);
      return child;
    },
    async stop() {
      // The last that was started needs the ones before it.
      for (const child of running.reverse()) {
        if (child.exitCode !== null || child.signalCode !== null) continue;
        const ended = new Promise((resolve) => child.once('exit', resolve));
        child.kill('SIGTERM');
        await Promise.race([ended, sleep(3_000).then(() => child.kill('SIGKILL'))]);
        await ended;
      }
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** A port that nobody listens on just now. */
export function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}

/** Waits until it is so. @throws after so many milliseconds */
export async function until(isSo: () => Promise<boolean> | boolean, what: string, ms: number): Promise<void> {
  const end = performance.now() + ms;
  while (!(await isSo())) {
    if (performance.now() > end) throw new Error(`${what} did not come within ${ms} ms`);
    await sleep(100);
  }
}
