import { createWriteStream } from 'node:fs';
import { resolve } from 'node:path';
import {
  CloisterError,
  hostImages,
  type LaunchOptions,
  parseDuration,
  parseMemory,
  type Run,
  runImage,
} from '@cloister/sdk';
import { attended } from './detached.ts';
import { EXIT_LEFT, EXIT_TIMEOUT } from './report.ts';
import { progressText, statusLine } from './status-line.ts';
import { enterRaw, standardInput, terminalSize } from './terminal.ts';

export interface RunFlags {
  readonly interactive?: boolean;
  readonly tty?: boolean;
  readonly stdin: boolean;
  readonly memory?: string;
  readonly env?: readonly string[];
  readonly workdir?: string;
  readonly user?: string;
  readonly copy?: readonly string[];
  readonly disk?: readonly string[];
  readonly timeout?: string;
  readonly consoleLog?: string;
  readonly verbose?: boolean;
  readonly mirror?: string;
  readonly strictMirror?: boolean;
  readonly detach?: boolean;
  readonly name?: string;
  readonly cpus?: string;
  readonly bootTimeout?: string;
  readonly slice?: string;
  readonly monolithic?: boolean;
  readonly protect?: string;
}

const FORWARDED = {
  SIGINT: 'INT',
  SIGTERM: 'TERM',
  SIGHUP: 'HUP',
  SIGQUIT: 'QUIT',
  SIGUSR1: 'USR1',
  SIGUSR2: 'USR2',
} as const;
const IMPATIENT_MS = 2000;
const IMPATIENT_COUNT = 3;

/** `-e K=V`, or `-e K` for the value in Cloister's own environment. */
export function parseEnvironment(entries: readonly string[]): Record<string, string> {
  const env: Record<string, string> = {};
  for (const entry of entries) {
    const at = entry.indexOf('=');
    if (at > 0) env[entry.slice(0, at)] = entry.slice(at + 1);
    else if (at < 0 && process.env[entry] !== undefined) env[entry] = process.env[entry];
  }
  return env;
}

/** How the VM is put together. @throws CloisterError for a number of CPUs that is none */
export function launchOptions(flags: RunFlags): LaunchOptions {
  const cpus = flags.cpus === undefined ? undefined : Number(flags.cpus);
  if (cpus !== undefined && !(cpus > 0 && cpus <= 1024))
    throw new CloisterError('bad-usage', `"${flags.cpus}" is no number of CPUs`, {
      hint: 'Give one such as --cpus 0.5',
    });
  if (flags.protect !== undefined && flags.protect !== 'strict')
    throw new CloisterError('bad-usage', `There is no protection "${flags.protect}"`, {
      hint: 'There is --protect=strict',
    });
  if (flags.protect === 'strict' && flags.monolithic === true)
    throw new CloisterError('bad-usage', '--monolithic protects nothing, and --protect=strict wants all');
  if (flags.monolithic === true)
    process.stderr.write('cloister: --monolithic: all parts run in one process, and nothing protects anything\n');
  const id = attended();
  return {
    ...(flags.monolithic === true ? { form: 'monolithic' as const } : {}),
    ...(flags.protect === 'strict' ? { strict: true } : {}),
    ...(flags.name === undefined ? {} : { label: flags.name }),
    ...(cpus === undefined ? {} : { cpus }),
    ...(flags.bootTimeout === undefined ? {} : { bootMs: parseDuration(flags.bootTimeout) }),
    ...(flags.slice === undefined ? {} : { builds: { slice: resolve(flags.slice) } }),
    ...(id === undefined ? {} : { id }),
  };
}

/** What can fail, or takes long, before a run goes into the background. */
export async function prepareDetached(image: string | undefined, flags: RunFlags): Promise<void> {
  launchOptions(flags);
  if (image === undefined) return;
  const status = statusLine();
  try {
    const settings = {
      mirror: flags.mirror,
      strictMirror: flags.strictMirror,
      progress: (progress: Parameters<typeof progressText>[1]) => status.show(progressText(image, progress)),
    };
    await hostImages(settings).pull(image);
  } finally {
    status.clear();
  }
}

/** `cloister run IMAGE [CMD…]`: the guest's stdin, stdout, stderr and exit status are this process's. */
export async function run(image: string, argv: readonly string[], flags: RunFlags): Promise<number> {
  const onTerminal = process.stdin.isTTY === true && process.stdout.isTTY === true;
  const terminal = flags.tty === true || (argv.length === 0 && onTerminal);
  const interactive = flags.interactive === true || (argv.length === 0 && onTerminal) || process.stdin.isTTY !== true;
  const timeout = flags.timeout === undefined ? undefined : parseDuration(flags.timeout);
  const memoryBytes = flags.memory === undefined ? undefined : parseMemory(flags.memory);
  const status = statusLine();
  const log = flags.consoleLog === undefined ? undefined : createWriteStream(flags.consoleLog);
  const download = new AbortController();
  const interrupt = (): void => download.abort();
  process.once('SIGINT', interrupt);
  process.once('SIGTERM', interrupt);
  // With a terminal, keys are only read once the guest listens.
  let raw: { restore(): void } | undefined;
  let started: Run | undefined;
  const leaving = { asked: false };
  const leaveGuest = (): void => {
    leaving.asked = true;
    started?.kill();
  };
  const stdin = interactive && flags.stdin ? standardInput(terminal ? leaveGuest : undefined) : undefined;
  try {
    started = await runImage({
      image,
      argv,
      memoryBytes,
      env: parseEnvironment(flags.env ?? []),
      cwd: flags.workdir,
      user: flags.user,
      terminal: terminal ? terminalSize() : undefined,
      stdin,
      copies: flags.copy ?? [],
      disks: flags.disk ?? [],
      launch: launchOptions(flags),
      images: {
        mirror: flags.mirror,
        strictMirror: flags.strictMirror,
        signal: download.signal,
        progress: (progress) => status.show(progressText(image, progress)),
        warn: (line) => {
          status.clear();
          process.stderr.write(`cloister: ${line}\n`);
        },
      },
      onBoot: () => {
        status.clear();
        if (process.stderr.isTTY === true) status.show(`Booting ${image}`);
      },
      onStart: () => {
        status.clear();
        if (terminal && process.stdin.isTTY) raw = enterRaw();
      },
      onStdout: (bytes) => process.stdout.write(bytes),
      onStderr: (bytes) => process.stderr.write(bytes),
      onConsole: (bytes) => {
        log?.write(bytes);
        if (flags.verbose === true) process.stderr.write(bytes);
      },
    });
    process.removeListener('SIGINT', interrupt);
    process.removeListener('SIGTERM', interrupt);
    return await attend(started, timeout, terminal, leaving);
  } finally {
    status.clear();
    raw?.restore();
    log?.end();
    process.removeListener('SIGINT', interrupt);
    process.removeListener('SIGTERM', interrupt);
  }
}

/** Passes on signals and window sizes until the command ends, is given up on, or its time is over. */
async function attend(
  running: Run,
  timeout: number | undefined,
  terminal: boolean,
  leaving: { asked: boolean },
): Promise<number> {
  let timedOut = false;
  const presses: number[] = [];
  const handlers = Object.entries(FORWARDED).map(([host, guest]) => {
    const handler = (): void => {
      running.session.signal(guest);
      if (host !== 'SIGINT') return;
      const now = Date.now();
      presses.push(now);
      if (presses.filter((at) => now - at < IMPATIENT_MS).length < IMPATIENT_COUNT) return;
      leaving.asked = true;
      running.kill();
    };
    process.on(host, handler);
    return [host, handler] as const;
  });
  const resized = (): void => {
    const { rows, columns } = terminalSize();
    running.session.resize(rows, columns);
  };
  if (terminal) process.stdout.on('resize', resized);
  const clock =
    timeout === undefined
      ? undefined
      : setTimeout(() => {
          timedOut = true;
          running.kill();
        }, timeout);
  try {
    return await running.status;
  } catch (error) {
    if (timedOut) {
      process.stderr.write(`cloister: The command took longer than --timeout allows. Give more time with --timeout\n`);
      return EXIT_TIMEOUT;
    }
    if (leaving.asked) {
      // Whatever the guest was writing, the shell's prompt begins a line.
      if (terminal) process.stdout.write('\r\n');
      return EXIT_LEFT;
    }
    throw error;
  } finally {
    clearTimeout(clock);
    if (terminal) process.stdout.removeListener('resize', resized);
    for (const [host, handler] of handlers) process.removeListener(host, handler);
  }
}
