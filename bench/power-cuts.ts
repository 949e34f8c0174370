import type { DiskEvent } from './disk-record.ts';
import { recordNumber } from './steady-records.ts';

const PIECE_BYTES = 4096;

/** A host whose power goes away between two events of a record. */
export interface Cut {
  /** What the disk holds then. */
  readonly image: Buffer;
  /** Records up to this one were said to be synced before the cut. */
  readonly synced: number;
}

/**
 * Replays a record up to random points, in ascending order: what was written before the last finished sync began is
 * there, of what was written since then a random part of the pieces.
 * @param syncs false: as if the file had never been synced
 */
export function* powerCuts(
  before: Buffer,
  events: readonly DiskEvent[],
  count: number,
  random: () => number,
  syncs: boolean,
): Generator<Cut> {
  const points = Array.from({ length: count }, () => Math.floor(random() * (events.length + 1))).sort((a, b) => a - b);
  const durable = Buffer.from(before);
  /** Begun and not durable, in order; where each ended. */
  let loose: { readonly offset: number; readonly bytes: Buffer; readonly call: number; ended: number }[] = [];
  const syncBegan = new Map<number, number>();
  let newest = 0;
  let at = 0;
  for (const point of points) {
    for (; at < point; at += 1) {
      const event = events[at]!;
      if (event.kind === 'write') {
        loose.push({ ...event, ended: Number.POSITIVE_INFINITY });
        newest = Math.max(newest, newestRecord(event.bytes));
      } else if (event.kind === 'written') loose.find(({ call }) => call === event.call)!.ended = at;
      else if (event.kind === 'sync') syncBegan.set(event.call, at);
      else if (syncs) {
        const began = syncBegan.get(event.call)!;
        for (const { offset, bytes } of loose.filter(({ ended }) => ended < began)) bytes.copy(durable, offset);
        loose = loose.filter(({ ended }) => ended >= began);
      }
    }
    const image = Buffer.from(durable);
    // From a disk that wrote nothing yet to one that wrote all.
    const share = random();
    for (const { offset, bytes } of loose)
      for (let piece = 0; piece < bytes.length; piece += PIECE_BYTES)
        if (random() < share) bytes.subarray(piece, piece + PIECE_BYTES).copy(image, offset + piece);
    // The guest makes a record when the one before it is synced.
    yield { image, synced: Math.max(0, newest - 1) };
  }
}

function newestRecord(bytes: Buffer): number {
  let newest = 0;
  for (let at = 0; at < bytes.length; at += PIECE_BYTES)
    newest = Math.max(newest, recordNumber(bytes.subarray(at, at + PIECE_BYTES)) ?? 0);
  return newest;
}
