import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const BIN = fileURLToPath(new URL('../../bin/cloister.mjs', import.meta.url));

export interface Finished {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A `cloister` process of the built tree; it is killed at its deadline. */
export interface Command {
  readonly process: ChildProcessWithoutNullStreams;
  readonly finished: Promise<Finished>;
  /** What came so far. */
  stdout(): string;
  /** Resolves once stdout holds the text. */
  seen(text: string): Promise<void>;
}

export function start(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  deadlineMs = 60_000,
): Command {
  const child = spawn(process.execPath, [BIN, ...args], { env: { ...process.env, ...env } });
  let stdout = '';
  let stderr = '';
  const waiting: { text: string; resolve: () => void }[] = [];
  child.stdout.on('data', (bytes: Buffer) => {
    stdout += bytes.toString('latin1');
    for (const { text, resolve } of waiting) if (stdout.includes(text)) resolve();
  });
  child.stderr.on('data', (bytes: Buffer) => {
    stderr += bytes.toString('latin1');
  });
  const clock = setTimeout(() => child.kill('SIGKILL'), deadlineMs);
  const finished = new Promise<Finished>((resolve) => {
    child.once('close', (status) => {
      clearTimeout(clock);
      resolve({ status, stdout, stderr });
    });
  });
  return {
    process: child,
    finished,
    stdout: () => stdout,
    seen: (text) =>
      new Promise((resolve) => {
        if (stdout.includes(text)) resolve();
        else waiting.push({ text, resolve });
      }),
  };
}

/** Runs a command to its end with this standard input. */
export function cloister(
  args: readonly string[],
  { stdin = '', env = {} }: { stdin?: string; env?: Readonly<Record<string, string>> } = {},
): Promise<Finished> {
  const command = start(args, env);
  command.process.stdin.on('error', () => undefined);
  command.process.stdin.end(stdin);
  return command.finished;
}
