import { refuse } from './failure.ts';

/** A stream of bytes, in chunks of any size. */
export type ByteSource = AsyncIterable<Uint8Array>;

/** Pulls exact amounts out of a byte source. No length is trusted: what is not there is `truncated`. */
export interface ByteReader {
  /** Exactly `length` bytes (a copy), or `undefined` where the source ends cleanly before the first of them. */
  readOrEnd(length: number): Promise<Uint8Array | undefined>;
  /** Exactly `length` bytes; throws `truncated` if there are fewer. For small, bounded lengths. */
  read(length: number): Promise<Uint8Array>;
  /** Bytes taken so far. */
  position(): number;
  /** The next `length` bytes as chunks, without holding them all; a consumer may stop early, then skip by `position`. */
  stream(length: number): AsyncGenerator<Uint8Array, void, undefined>;
  /** Everything that is left. */
  rest(): AsyncGenerator<Uint8Array, void, undefined>;
  skip(length: number): Promise<void>;
  /** Tells the source that no more is wanted. */
  close(): Promise<void>;
}

/** A reader over a source. The source is closed when it ends or when `close` is called. */
export function byteReader(source: ByteSource): ByteReader {
  const iterator = source[Symbol.asyncIterator]();
  let chunk: Uint8Array = new Uint8Array(0);
  let ended = false;
  let position = 0;

  /** Up to `limit` bytes, at least one, or undefined at the end. */
  async function some(limit: number): Promise<Uint8Array | undefined> {
    while (chunk.length === 0) {
      if (ended) return undefined;
      const next = await iterator.next();
      if (next.done === true) {
        ended = true;
        return undefined;
      }
      chunk = next.value;
    }
    const taken = chunk.subarray(0, Math.min(limit, chunk.length));
    chunk = chunk.subarray(taken.length);
    position += taken.length;
    return taken;
  }

  async function readOrEnd(length: number): Promise<Uint8Array | undefined> {
    const out = new Uint8Array(length);
    let filled = 0;
    while (filled < length) {
      const part = await some(length - filled);
      if (part === undefined) {
        if (filled === 0) return undefined;
        refuse('truncated', `The input ends ${length - filled} bytes early`);
      }
      out.set(part, filled);
      filled += part.length;
    }
    return out;
  }

  async function* stream(length: number): AsyncGenerator<Uint8Array, void, undefined> {
    let left = length;
    while (left > 0) {
      const part = await some(left);
      if (part === undefined) refuse('truncated', `The input ends ${left} bytes early`);
      left -= part.length;
      yield part;
    }
  }

  return {
    readOrEnd,
    async read(length) {
      return (
        (await readOrEnd(length)) ??
        (length === 0 ? new Uint8Array(0) : refuse('truncated', `The input ends ${length} bytes early`))
      );
    },
    position: () => position,
    stream,
    async *rest() {
      for (
        let part = await some(Number.MAX_SAFE_INTEGER);
        part !== undefined;
        part = await some(Number.MAX_SAFE_INTEGER)
      )
        yield part;
    },
    async skip(length) {
      let left = length;
      while (left > 0) {
        const part = await some(left);
        if (part === undefined) refuse('truncated', `The input ends ${left} bytes early`);
        left -= part.length;
      }
    },
    async close() {
      if (ended) return;
      ended = true;
      chunk = new Uint8Array(0);
      await iterator.return?.();
    },
  };
}

/** All bytes of a source, or `too-large` as soon as they exceed `limit`. */
export async function collect(source: ByteSource, limit: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of source) {
    length += chunk.length;
    if (length > limit) refuse('too-large', `The input is larger than ${limit} bytes`);
    chunks.push(chunk.slice());
  }
  const out = new Uint8Array(length);
  let offset = 0;
  for (const chunk of chunks) {
    out.set(chunk, offset);
    offset += chunk.length;
  }
  return out;
}

/** A source of one chunk. */
export async function* sourceOf(...chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array, void, undefined> {
  yield* chunks;
}
