import type { Disk } from './disk.ts';
import type { FileAccess } from './file-access.ts';

/** What is copied on the first write to it, and dropped whole by a discard. */
export const CHUNK_BYTES = 64 * 1024;

/** Where a chunk's contents are: the base file, nowhere (it reads as zeros), or slot n - 1 of the overlay file. */
const IN_BASE = 0;
const DROPPED = -1;

/**
 * A raw base file that is never written, under a throw-away overlay: `base` and `overlay` are open descriptors, the
 * overlay's file is empty. Requests on one chunk are carried out one after the other, so that a slot that a discard
 * has freed is never read or written for the chunk that had it.
 */
export function createOverlayDisk({ readAt, writeAt }: FileAccess, base: number, overlay: number, bytes: number): Disk {
  const places = new Int32Array(Math.ceil(bytes / CHUNK_BYTES));
  const tails = new Map<number, Promise<unknown>>();
  const freed: number[] = [];
  let slots = 0;

  const lengthOf = (chunk: number): number => Math.min(CHUNK_BYTES, bytes - chunk * CHUNK_BYTES);
  const positionOf = (place: number): number => (place - 1) * CHUNK_BYTES;

  const inTurn = <T>(chunk: number, action: () => Promise<T>): Promise<T> => {
    const before = tails.get(chunk);
    const after = before === undefined ? action() : before.then(action, action);
    tails.set(chunk, after);
    const forget = (): void => {
      if (tails.get(chunk) === after) tails.delete(chunk);
    };
    after.then(forget, forget);
    return after;
  };

  const readChunk = (chunk: number, from: number, length: number): Promise<Uint8Array> => {
    const place = places[chunk]!;
    if (place === IN_BASE) return readAt(base, chunk * CHUNK_BYTES + from, length);
    if (place === DROPPED) return Promise.resolve(new Uint8Array(length));
    return readAt(overlay, positionOf(place) + from, length);
  };

  const writeChunk = async (chunk: number, from: number, data: Uint8Array): Promise<void> => {
    const place = places[chunk]!;
    if (place > 0) return writeAt(overlay, positionOf(place) + from, data);
    const whole = data.length === lengthOf(chunk) ? data : await readChunk(chunk, 0, lengthOf(chunk));
    if (whole !== data) whole.set(data, from);
    const fresh = freed.pop() ?? ++slots;
    try {
      await writeAt(overlay, positionOf(fresh), whole);
      places[chunk] = fresh;
    } catch (error) {
      freed.push(fresh);
      throw error;
    }
  };

  const dropChunk = async (chunk: number): Promise<void> => {
    const place = places[chunk]!;
    if (place > 0) freed.push(place);
    places[chunk] = DROPPED;
  };

  return {
    bytes,
    readOnly: false,
    async read(offset, length) {
      const pieces = chunksOf(offset, length);
      if (pieces.length === 1)
        return inTurn(pieces[0]!.chunk, () => readChunk(pieces[0]!.chunk, pieces[0]!.from, length));
      const out = new Uint8Array(length);
      await Promise.all(
        pieces.map(async ({ chunk, from, at, length: part }) => {
          out.set(await inTurn(chunk, () => readChunk(chunk, from, part)), at);
        }),
      );
      return out;
    },
    async write(offset, data) {
      await Promise.all(
        chunksOf(offset, data.length).map(({ chunk, from, at, length }) =>
          inTurn(chunk, () => writeChunk(chunk, from, data.subarray(at, at + length))),
        ),
      );
    },
    flush: () => Promise.resolve(),
    async discard(offset, length) {
      const first = Math.ceil(offset / CHUNK_BYTES);
      const end = offset + length === bytes ? places.length : Math.floor((offset + length) / CHUNK_BYTES);
      for (let chunk = first; chunk < end; chunk += 1) await inTurn(chunk, () => dropChunk(chunk));
    },
  };
}

interface ChunkPiece {
  readonly chunk: number;
  /** Offset within the chunk. */
  readonly from: number;
  /** Offset within the request. */
  readonly at: number;
  readonly length: number;
}

function chunksOf(offset: number, length: number): ChunkPiece[] {
  const pieces: ChunkPiece[] = [];
  for (let at = 0; at < length; ) {
    const from = (offset + at) % CHUNK_BYTES;
    const part = Math.min(CHUNK_BYTES - from, length - at);
    pieces.push({ chunk: Math.floor((offset + at) / CHUNK_BYTES), from, at, length: part });
    at += part;
  }
  return pieces;
}
