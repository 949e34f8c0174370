import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process';
import type { Socket } from 'node:net';
import {
  encodeNotice,
  NOTICE_BYTES,
  STATUS_BYTES,
  STATUS_INTERVAL_MS,
  STOP_NOTICE,
  type StartConfig,
} from '@cloister/protocol';

export interface CompartmentStart {
  /** Program and arguments, the empty environment of a sandbox or what stands in for one. */
  readonly command: { readonly file: string; readonly args: readonly string[]; readonly env: NodeJS.ProcessEnv };
  /** Bytes that the command reads from descriptors after the compartment's own. */
  readonly feeds: readonly Uint8Array[];
  readonly links: readonly { readonly end: Socket; readonly epoch: Uint8Array }[];
  /** Descriptors of open files, which the compartment finds after its links. */
  readonly files: readonly number[];
  readonly settings: unknown;
  /** After so long without a sign of life it is killed, in milliseconds. */
  readonly deadlineMs: number;
  /** What it writes to stderr. */
  log(bytes: Buffer): void;
}

/** A running process with nothing but what it was handed. */
export interface Compartment {
  readonly pid: number | undefined;
  /** The last record that it sent whole. */
  status(): Buffer | undefined;
  /** Resolves once it is gone: how, in words. */
  readonly ended: Promise<string>;
  /** Its link's far end is another process now. */
  notice(link: number, epoch: Uint8Array): void;
  /** Asks it to end. */
  stop(): void;
  kill(): void;
}

/** A compartment that writes more than this has its stderr closed. */
const LOG_BYTES_MAX = 256 * 1024;

/** @param heard called with each status record */
export function startCompartment(start: CompartmentStart, heard: (status: Buffer) => void): Compartment {
  const stdio = [
    'ignore',
    'ignore',
    'pipe',
    'pipe',
    ...start.links.map(({ end }) => end),
    ...start.files,
    ...start.feeds.map(() => 'pipe'),
  ] as StdioOptions;
  const { file, args, env } = start.command;
  // A session of its own: it hears no signal of a user's terminal.
  const child = spawn(file, args, { stdio, env, detached: true });
  const pipes = child.stdio as unknown as (Socket | null)[];
  const launcherPipe = pipes[3]!;
  launcherPipe.on('error', () => undefined);
  writeStart(launcherPipe, start);
  start.feeds.forEach((bytes, i) => {
    pipes[4 + start.links.length + start.files.length + i]!.on('error', () => undefined).end(bytes);
  });

  let status: Buffer | undefined;
  let clock = setTimeout(kill, start.deadlineMs);
  function kill(): void {
    // The whole session: a sandbox's outer process and what runs within.
    if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    try {
      process.kill(-child.pid, 'SIGKILL');
    } catch {
      child.kill('SIGKILL');
    }
  }
  readRecords(launcherPipe, (record) => {
    status = record;
    clearTimeout(clock);
    clock = setTimeout(kill, start.deadlineMs);
    heard(record);
  });
  keepLog(child, start.log);
  const ended = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(`it cannot be started: ${error.message}`));
    child.once('exit', (code, signal) =>
      resolve(signal === null ? `it ended with status ${code}` : `it got ${signal}`),
    );
  }).finally(() => {
    clearTimeout(clock);
    launcherPipe.destroy();
  });
  return {
    pid: child.pid,
    status: () => status,
    ended,
    notice: (link, epoch) => void launcherPipe.write(encodeNotice(link, epoch)),
    stop: () => void launcherPipe.write(encodeNotice(STOP_NOTICE, new Uint8Array(NOTICE_BYTES))),
    kill,
  };
}

/** Time in which a compartment that runs at all gives many signs of life. */
export const DEADLINE_MS = 20 * STATUS_INTERVAL_MS;

function writeStart(pipe: Socket, { links, settings }: CompartmentStart): void {
  const config: StartConfig<unknown> = {
    links: links.map(({ epoch }) => Buffer.from(epoch).toString('base64')),
    settings,
  };
  const json = Buffer.from(JSON.stringify(config));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(json.length);
  pipe.write(Buffer.concat([length, json]));
}

function readRecords(pipe: Socket, heard: (record: Buffer) => void): void {
  let rest: Buffer = Buffer.alloc(0);
  pipe.on('data', (chunk: Buffer) => {
    rest = Buffer.concat([rest, chunk]);
    for (; rest.length >= STATUS_BYTES; rest = rest.subarray(STATUS_BYTES)) heard(rest.subarray(0, STATUS_BYTES));
  });
}

function keepLog(child: ChildProcess, log: (bytes: Buffer) => void): void {
  let room = LOG_BYTES_MAX;
  child
    .stderr!.on('error', () => undefined)
    .on('data', (bytes: Buffer) => {
      log(bytes.subarray(0, room));
      room -= bytes.length;
      if (room <= 0) child.stderr!.destroy();
    });
}
