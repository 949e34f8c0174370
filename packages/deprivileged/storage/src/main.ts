import {
  type BlockRequest,
  BUDGETS,
  type Channel,
  fromStorage,
  type RateClock,
  STORE_PAYLOAD_BYTES_MAX,
  throttle,
  toStorage,
} from '@cloister/protocol';
import { carryOut } from './carry-out.ts';
import { type FileAccess, hostFiles } from './file-access.ts';
import type { Store } from './store.ts';

/** Requests of one slice that may be under way; a slice that asks for more is cut off. */
const REQUESTS_MAX = 1024;

/** Rooms for large reads that are kept for the next ones: pages that are new each time cost as much as the read. */
const ROOMS_MAX = 4;
const ROOM_BYTES_MIN = 64 * 1024;

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

/** Serves the stores that are bound to a slice's channel, by their place in the list. It opens nothing itself. */
export function start(
  channel: Channel,
  stores: readonly Store[],
  files: FileAccess = hostFiles,
  clock: RateClock = hostClock,
): BlockService {
  const heldToBudget = throttle(BUDGETS.sliceToStorage, clock);
  const underWay = new Set<Promise<void>>();
  const rooms: Uint8Array[] = [];
  /** Counts the slices that this channel has led to. */
  let slice = 0;
  /** What a new slice asks while requests of the one before are under way. */
  let held: BlockRequest[] | undefined;

  const settled = async (): Promise<void> => {
    while (underWay.size > 0) await Promise.all(underWay);
  };
  const roomFor = ({ operation, length }: BlockRequest): Uint8Array => {
    if (operation !== 'read') return NOTHING;
    const large = length >= ROOM_BYTES_MIN;
    return large ? (rooms.pop() ?? new Uint8Array(STORE_PAYLOAD_BYTES_MAX)) : new Uint8Array(length);
  };
  const answer = async (request: BlockRequest): Promise<void> => {
    const asker = slice;
    const { store, id } = request;
    const room = roomFor(request);
    let bytes: Uint8Array | undefined;
    try {
      bytes = await carryOut(files, stores[store], request, room);
    } catch {
      bytes = undefined;
    }
    // A new slice may use the same number for what it asks again: this is no answer to that.
    if (asker === slice)
      channel.send(
        fromStorage.encode({ kind: 'block.reply', store, id, ok: bytes !== undefined, bytes: bytes ?? NOTHING }),
      );
    if (room.length === STORE_PAYLOAD_BYTES_MAX && rooms.length < ROOMS_MAX) rooms.push(room);
  };
  const begin = (request: BlockRequest): void => {
    const one = answer(request);
    underWay.add(one);
    one.finally(() => underWay.delete(one));
  };
  channel.listen({
    frame(frame) {
      const request = toStorage.decode(frame);
      if (request === undefined) channel.close('A malformed storage request');
      else if (underWay.size + (held?.length ?? 0) >= REQUESTS_MAX) channel.close('Too many storage requests at once');
      else if (held === undefined) begin(request);
      else held.push(request);
      return heldToBudget(frame.length);
    },
    renewed() {
      slice += 1;
      const waiting: BlockRequest[] = [];
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
