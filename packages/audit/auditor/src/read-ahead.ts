import { AUDIT_PIECE_BYTES_MAX } from '@cloister/protocol';
import { type Store, type StoredObject, StoreLoss } from './stores/store.ts';

/** Reads that are under way at once: of one long object, or of many short ones. */
const READS_AHEAD = 16;

/** A part of an object that is tagged in one session. */
export interface ExtentPlan {
  readonly object: StoredObject;
  readonly offset: number;
  readonly length: number;
}

export interface Piece<E extends ExtentPlan> {
  readonly extent: E;
  /** The extent's first piece, and its last. */
  readonly first: boolean;
  readonly last: boolean;
  /** Why the rest of the extent cannot be had, instead: then this is its last piece. */
  readonly bytes: Uint8Array | StoreLoss;
}

/** The bytes of extents in order, in pieces, read ahead across them. A lost extent ends with its loss. */
export async function* readAhead<E extends ExtentPlan>(
  store: Store,
  extents: Iterable<E>,
): AsyncGenerator<Piece<E>, void, undefined> {
  const ahead: { readonly extent: E; readonly at: number; readonly bytes: Promise<Uint8Array | StoreLoss> }[] = [];
  const wanted = pieces(extents);
  let lost: E | undefined;
  for (;;) {
    while (ahead.length < READS_AHEAD) {
      const { value, done } = wanted.next();
      if (done === true) break;
      // The rest of what is lost is not asked for.
      if (value.extent !== lost) ahead.push({ ...value, bytes: read(store, value.extent, value.at) });
    }
    const next = ahead.shift();
    if (next === undefined) return;
    const { extent, at } = next;
    if (extent === lost) continue;
    const bytes = await next.bytes;
    const isLoss = bytes instanceof StoreLoss;
    if (isLoss) lost = extent;
    yield { extent, bytes, first: at === 0, last: isLoss || at + AUDIT_PIECE_BYTES_MAX >= extent.length };
  }
}

function* pieces<E extends ExtentPlan>(extents: Iterable<E>): Generator<{ readonly extent: E; readonly at: number }> {
  for (const extent of extents) {
    let at = 0;
    do {
      yield { extent, at };
      at += AUDIT_PIECE_BYTES_MAX;
    } while (at < extent.length);
  }
}

async function read(store: Store, { object, offset, length }: ExtentPlan, at: number): Promise<Uint8Array | StoreLoss> {
  const wanted = Math.min(AUDIT_PIECE_BYTES_MAX, length - at);
  try {
    const bytes = await store.read(object.path, object.pin, offset + at, wanted);
    return bytes.length === wanted ? bytes : new StoreLoss('stale', 'It became shorter while it was read');
  } catch (error) {
    return error instanceof StoreLoss ? error : new StoreLoss('unknown', String(error));
  }
}
