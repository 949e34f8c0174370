import {
  BUDGETS,
  type Channel,
  fromStorage,
  type RateClock,
  STORE_PAYLOAD_BYTES_MAX,
  type ToStorage,
  throttle,
  toStorage,
} from '@cloister/protocol';
import { type Move, moveLater, moveNow, taskOf } from './carry-out.ts';
import { type FileAccess, hostFiles } from './file-access.ts';
import type { Files } from './store.ts';

/** Requests of one slice that may be under way; a slice that asks for more is cut off. */
const REQUESTS_MAX = 1024;

/**
 * What the host has in memory moves in microseconds, and a thread would cost more than that. A move that took so long
 * waited for a disk, or might have; so many after it are left to threads, and others' requests need not wait.
 */
const SLOW_MS = 4;
const LATER = 32;

const NOTHING = new Uint8Array(0);

const hostClock: RateClock = {
  now: () => performance.now(),
  pause: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds)),
};

/** Storage for one slice: it knows nothing but what a request says, so that another one can take its place at any time. */
export interface BlockService {
  /** Resolves once nothing is under way, so that the stores can be closed. */
  settled(): Promise<void>;
}

/** Serves the files that are bound to a slice's channel. It opens nothing itself. */
export function start(
  channel: Channel,
  bound: Files,
  files: FileAccess = hostFiles,
  clock: RateClock = hostClock,
): BlockService {
  const heldToBudget = throttle(BUDGETS.sliceToStorage, clock);
  const underWay = new Set<Promise<void>>();
  const room = new Uint8Array(STORE_PAYLOAD_BYTES_MAX);
  let later = 0;
  /** Counts the slices that this channel has led to. */
  let slice = 0;
  /** What a new slice asks while requests of the one before are under way. */
  let held: ToStorage[] | undefined;

  const settled = async (): Promise<void> => {
    while (underWay.size > 0) await Promise.all(underWay);
  };
  const answer = (request: ToStorage, ok: boolean, bytes: Uint8Array = NOTHING): void =>
    channel.send(
      fromStorage.encode(
        request.kind === 'file.read'
          ? { kind: 'file.data', id: request.id, ok, bytes: ok ? bytes : NOTHING }
          : { kind: 'block.reply', store: request.store, at: request.at, ok },
      ),
    );
  const now = (request: ToStorage, move: Move): void => {
    const bytes = room.subarray(0, move.length);
    const from = performance.now();
    answer(
      request,
      failsAsFalse(() => moveNow(files, move, bytes)),
      bytes,
    );
    if (performance.now() - from > SLOW_MS) later = LATER;
  };
  const wait = (request: ToStorage, task: Promise<boolean>, bytes?: Uint8Array): void => {
    const asker = slice;
    const one = task
      .catch(() => false)
      .then((ok) => {
        underWay.delete(one);
        // A new slice may ask for the same place again: this is no answer to that.
        if (asker === slice) answer(request, ok, bytes);
      });
    underWay.add(one);
  };
  const begin = (request: ToStorage): void => {
    const task = taskOf(bound, request);
    if (task === undefined) answer(request, false);
    else if ('sync' in task) {
      if (task.sync === undefined) answer(request, true);
      else
        wait(
          request,
          files.sync(task.sync).then(() => true),
        );
    } else if (later === 0) now(request, task);
    else {
      later -= 1;
      const bytes = new Uint8Array(task.length);
      wait(request, moveLater(files, task, bytes), bytes);
    }
  };
  channel.listen({
    frame(frame) {
      const request = toStorage.decode(frame);
      if (request === undefined) channel.close('A malformed storage request');
      else if (underWay.size + (held?.length ?? 0) >= REQUESTS_MAX) channel.close('Too many storage requests at once');
      else if (held === undefined) begin(request);
      else held.push(request);
      return heldToBudget(frame.length + (request?.length ?? 0));
    },
    renewed() {
      slice += 1;
      const waiting: ToStorage[] = [];
      held = waiting;
      void settled().then(() => {
        if (held !== waiting) return;
        held = undefined;
        for (const request of waiting) begin(request);
      });
    },
  });
  return {
    async settled() {
      while (underWay.size + (held?.length ?? 0) > 0) await settled();
    },
  };
}

function failsAsFalse(act: () => boolean): boolean {
  try {
    return act();
  } catch {
    return false;
  }
}
