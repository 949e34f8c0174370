import { type ChildProcess, spawn } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';

/** What a process asked of the host for one file, in the order in which it began and ended there. */
export type DiskEvent =
  | { readonly kind: 'write'; readonly call: number; readonly offset: number; readonly bytes: Buffer }
  | { readonly kind: 'written'; readonly call: number }
  | { readonly kind: 'sync'; readonly call: number }
  | { readonly kind: 'synced'; readonly call: number };

export interface DiskRecorder {
  /** Ends the recording. */
  end(): Promise<readonly DiskEvent[]>;
}

const ATTACH_MS = 20_000;

/** Records with strace what process `pid` writes to and syncs of its descriptor `fd`, once it resolves. */
export async function recordDisk(pid: number, fd: number, path: string): Promise<DiskRecorder> {
  const words = [
    '-f',
    '-p',
    String(pid),
    '-e',
    'trace=pwrite64,fdatasync',
    '-e',
    'signal=none',
    '-xx',
    '-s',
    '1048576',
  ];
  const strace: ChildProcess = spawn('strace', [...words, '-o', path], { stdio: ['ignore', 'ignore', 'pipe'] });
  const ended = new Promise<void>((resolve) => strace.once('exit', () => resolve()));
  await new Promise<void>((resolve, reject) => {
    const clock = setTimeout(() => reject(new Error('strace does not attach')), ATTACH_MS);
    strace.once('error', () => reject(new Error('No strace: apt-get install strace')));
    strace.once('exit', () => reject(new Error('strace ended')));
    strace.stderr!.on('data', (bytes: Buffer) => {
      if (!bytes.includes('attached')) return;
      clearTimeout(clock);
      resolve();
    });
  });
  return {
    async end() {
      strace.kill('SIGINT');
      await ended;
      return parseRecord(createInterface({ input: createReadStream(path, 'latin1') }), fd);
    },
  };
}

/** strace's lines: a call of one thread in one line, or `<unfinished ...>` and later `<... NAME resumed>`. */
export async function parseRecord(
  lines: AsyncIterable<string> | Iterable<string>,
  fd: number,
): Promise<readonly DiskEvent[]> {
  const events: DiskEvent[] = [];
  const open = new Map<string, { call: number; kind: 'written' | 'synced' }>();
  let calls = 0;
  for await (const line of lines) {
    const [, thread, rest] = /^(\d+)\s+(.*)$/.exec(line) ?? [];
    if (thread === undefined || rest === undefined) continue;
    const begun = /^(pwrite64|fdatasync)\((\d+)/.exec(rest);
    if (begun !== null && Number(begun[2]) === fd) {
      const call = calls++;
      if (begun[1] === 'fdatasync') events.push({ kind: 'sync', call });
      else {
        const [, hex, offset] = /^pwrite64\(\d+, "((?:\\x[0-9a-f]{2})*)", \d+, (\d+)/.exec(rest) ?? [];
        if (hex === undefined) throw new Error(`The record has a line that cannot be read: ${rest.slice(0, 80)}`);
        events.push({
          kind: 'write',
          call,
          offset: Number(offset),
          bytes: Buffer.from(hex.replaceAll('\\x', ''), 'hex'),
        });
      }
      open.set(thread, { call, kind: begun[1] === 'fdatasync' ? 'synced' : 'written' });
    }
    const under = open.get(thread);
    if (under === undefined || rest.endsWith('<unfinished ...>')) continue;
    open.delete(thread);
    // A call that failed made nothing certain.
    if (/ = \d+$/.test(rest)) events.push(under);
  }
  return events;
}
