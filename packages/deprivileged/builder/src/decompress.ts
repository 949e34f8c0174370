import { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { PIECE_BYTES_MAX } from '@cloister/protocol';
import { Decompress } from 'fzstd';
import xz from 'xz-decompress';
import type { ByteSource } from './byte-reader.ts';
import { BuilderError, refuse } from './failure.ts';

export type Compression = 'none' | 'gz' | 'xz' | 'zstd';

/** The compression that a file's first bytes show: xz (file format 1.2, 2.1.1.1), gzip (RFC 1952, 2.3.1), zstd (RFC 8878, 3.1.1). */
export function compressionOf(start: Uint8Array): Compression {
  const begins = (...magic: number[]) => magic.every((byte, index) => start[index] === byte);
  if (begins(0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00)) return 'xz';
  if (begins(0x1f, 0x8b)) return 'gz';
  if (begins(0x28, 0xb5, 0x2f, 0xfd)) return 'zstd';
  return 'none';
}

/** The compression that a file's name ends in. */
export function compressionByName(name: string): Compression {
  if (name.endsWith('.xz')) return 'xz';
  if (name.endsWith('.gz')) return 'gz';
  if (name.endsWith('.zst')) return 'zstd';
  return 'none';
}

/**
 * The decompressed bytes of `source`, at most `limit` of them (`too-large` after that).
 * Only one xz stream is decoded at a time in a process: a second one waits for the first to end or to be closed, so
 * never nest them. Throws `truncated` or `malformed`.
 */
export async function* decompress(
  source: ByteSource,
  compression: Compression,
  limit: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  let total = 0;
  for await (const chunk of decoders[compression](source)) {
    total += chunk.length;
    if (total > limit) refuse('too-large', `Decompressed input is larger than ${limit} bytes`);
    if (chunk.length > 0) yield chunk;
  }
}

const decoders: Readonly<Record<Compression, (source: ByteSource) => AsyncIterable<Uint8Array>>> = {
  none: (source) => source,
  gz: gunzip,
  xz: unxz,
  zstd: unzstd,
};

async function* gunzip(source: ByteSource): AsyncGenerator<Uint8Array, void, undefined> {
  const input = Readable.from(source, { objectMode: false });
  const output = createGunzip({ chunkSize: PIECE_BYTES_MAX });
  // `pipe` does not pass errors on; a source that fails must fail the consumer too.
  let inputError: unknown;
  input.on('error', (error) => {
    inputError = error;
    output.destroy(error);
  });
  input.pipe(output);
  try {
    for await (const chunk of output) yield chunk as Uint8Array;
  } catch (error) {
    if (inputError !== undefined) throw inputError;
    const early = (error as { code?: string }).code === 'Z_BUF_ERROR';
    refuse(early ? 'truncated' : 'malformed', early ? 'The gzip data end early' : 'The gzip data are damaged', error);
  } finally {
    input.destroy();
    output.destroy();
  }
}

async function* unxz(source: ByteSource): AsyncGenerator<Uint8Array, void, undefined> {
  const iterator = source[Symbol.asyncIterator]();
  let sourceError: unknown;
  let sourceEnded = false;
  const input = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const next = await iterator.next();
          if (next.done === true) {
            sourceEnded = true;
            controller.close();
          } else controller.enqueue(next.value);
        } catch (error) {
          sourceError = error;
          controller.error(error);
        }
      },
      async cancel() {
        await iterator.return?.();
      },
    },
    { highWaterMark: 0 },
  );
  const reader = new xz.XzReadableStream(input).getReader();
  let open = true;
  try {
    for (;;) {
      const next = await reader.read();
      if (next.done) {
        open = false;
        return;
      }
      yield next.value;
    }
  } catch (error) {
    open = false;
    if (sourceError !== undefined) throw sourceError;
    if (error instanceof BuilderError) throw error;
    refuse(
      sourceEnded ? 'truncated' : 'malformed',
      sourceEnded ? 'The xz data end early' : 'The xz data are damaged',
      error,
    );
  } finally {
    // The decoder is one for the process; leaving it open would stop every later one. Cancelling one that has just
    // ended by itself (its last chunk still queued) throws inside xz-decompress 0.2.3, after it was freed.
    if (open) await reader.cancel().catch(() => undefined);
    await iterator.return?.();
  }
}

async function* unzstd(source: ByteSource): AsyncGenerator<Uint8Array, void, undefined> {
  let out: Uint8Array[] = [];
  const decoder = new Decompress((chunk) => {
    out.push(chunk);
  });
  const push = (chunk: Uint8Array, final: boolean) => {
    try {
      decoder.push(chunk, final);
    } catch (error) {
      refuse(final ? 'truncated' : 'malformed', final ? 'The zstd data end early' : 'The zstd data are damaged', error);
    }
  };
  for await (const chunk of source) {
    push(chunk, false);
    yield* out;
    out = [];
  }
  push(new Uint8Array(0), true);
  yield* out;
}
