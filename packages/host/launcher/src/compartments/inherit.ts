import { writeSync } from 'node:fs';
import { Socket } from 'node:net';
import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import {
  LAUNCHER_DESCRIPTOR,
  type Link,
  STATUS_BYTES,
  STATUS_INTERVAL_MS,
  STOP_NOTICE,
  type StartConfig,
  takeNotice,
} from '@cloister/protocol';
import { streamChannel } from '../channels/stream-channel.ts';
import { collect } from './collect.ts';

/** What a compartment finds when it starts: its settings, its links in order, the first descriptor of its files. */
export interface Inheritance<Settings> {
  readonly settings: Settings;
  readonly links: readonly Link[];
  readonly firstFile: number;
}

export interface Life {
  /** What the launcher is told now and then; a compartment without anything to say is alive all the same. */
  status?(): Uint8Array;
  /** A link's far end is another process, and what is to be known of its VM. */
  renewed?(link: number, settings: unknown): void;
  /** The launcher asks for an end; the process ends when this resolves. */
  stop?(): Promise<void>;
}

/**
 * Starts a compartment in this process from what the launcher handed over. Without its launcher the process ends; so it
 * does when a link of its own breaks the protocol and nobody else looks after that.
 * @param begin puts the compartment together; `leave` ends it, with a last status, in a later turn
 */
export function inherit<Settings>(begin: (inheritance: Inheritance<Settings>, leave: () => void) => Life): void {
  // V8's young generation would grow to 16 MiB, the largest part of a small compartment.
  setFlagsFromString('--semi-space-growth-factor=1');
  const launcher = new Socket({ fd: LAUNCHER_DESCRIPTOR, readable: true, writable: true });
  let life: Life | undefined;
  let links: readonly Link[] = [];
  const tell = (): void => void launcher.write(life?.status?.() ?? new Uint8Array(STATUS_BYTES));
  const start = ({ links: epochs, settings }: StartConfig<Settings>): void => {
    links = epochs.map((epoch, i) => inheritedLink(LAUNCHER_DESCRIPTOR + 1 + i, Buffer.from(epoch, 'base64')));
    life = begin({ settings, links, firstFile: LAUNCHER_DESCRIPTOR + 1 + links.length }, () => setImmediate(stop));
    tell();
    setInterval(() => {
      tell();
      giveBack();
    }, STATUS_INTERVAL_MS);
  };
  let stopping = false;
  const stop = async (): Promise<void> => {
    if (stopping) return;
    stopping = true;
    await life?.stop?.();
    launcher.end(life?.status?.() ?? new Uint8Array(STATUS_BYTES), () => process.exit());
  };
  let rest: Buffer = Buffer.alloc(0);
  launcher.on('data', (chunk: Buffer) => {
    rest = Buffer.concat([rest, chunk]);
    if (life === undefined) {
      const end = rest.indexOf('\n');
      if (end < 0) return;
      start(JSON.parse(rest.toString('utf8', 0, end)) as StartConfig<Settings>);
      rest = rest.subarray(end + 1);
    }
    for (let notice = takeNotice(rest); notice !== undefined; notice = takeNotice(rest)) {
      // Who can send such a thing can end this process anyway.
      if (notice === 'malformed') return process.exit(1);
      const { number, epoch, settings } = notice;
      rest = notice.rest;
      if (number === STOP_NOTICE) void stop();
      else {
        if (settings !== null) life?.renewed?.(number, settings);
        links[number]?.renew(epoch);
      }
    }
  });
  launcher.on('error', () => process.exit());
  launcher.on('close', () => process.exit());
}

/** V8 lets 64 MiB of frames pass before it frees one: so much is freed at the next sign of life. */
const GARBAGE_BYTES = 3 * 1024 * 1024;
/** A burst of messages leaves V8's heap larger until it fills: a machine's by 2 MiB after its guest's boot (measured). */
const GROWTH_BYTES = 1024 * 1024;

let kept = Number.POSITIVE_INFINITY;

function giveBack(): void {
  const { external_memory: outside, total_heap_size: heap } = getHeapStatistics();
  kept = Math.min(kept, heap);
  if (outside <= GARBAGE_BYTES && heap <= kept + GROWTH_BYTES) return;
  collect();
  kept = getHeapStatistics().total_heap_size;
}

/** What all links read into: Node's own 64 KiB for each read would be half of what a compartment allocates. */
const arriving = Buffer.allocUnsafeSlow(256 * 1024);

function inheritedLink(fd: number, epoch: Uint8Array): Link {
  const options = {
    fd,
    readable: true,
    writable: true,
    onread: {
      buffer: arriving,
      callback(count: number, buffer: Buffer): boolean {
        socket.emit('data', buffer.subarray(0, count));
        return true;
      },
    },
  };
  const socket = new Socket(options);
  return streamChannel(socket, epoch, 'new', (bytes) => written(fd, bytes));
}

/** A full or broken socket is the stream's matter. */
function written(fd: number, bytes: Uint8Array): number {
  try {
    return writeSync(fd, bytes);
  } catch {
    return 0;
  }
}
