import { PdpError } from '../pdp-error.ts';
import { blockCount, type FileDescription } from './file-description.ts';

/** About so many bytes are tagged at once. */
const BATCH_BYTES = 1024 * 1024;

/**
 * A file's bytes as batches of whole blocks, the last block as short as it is. Pieces that end with a block, or with the
 * file, are passed on without a copy.
 *
 * @throws PdpError `length` if the source does not have exactly the file's bytes
 */
export async function* wholeBlocks(
  file: FileDescription,
  source: AsyncIterable<Uint8Array>,
): AsyncGenerator<{ readonly first: number; readonly blocks: Uint8Array }> {
  const batch = Math.max(1, Math.floor(BATCH_BYTES / file.blockBytes)) * file.blockBytes;
  // Made when it is needed: most short files come in one piece, and are passed on as they came.
  let kept = new Uint8Array(0);
  let held = 0;
  let taken = 0;
  let first = 0;
  for await (const piece of source) {
    taken += piece.length;
    if (taken > file.length) break;
    let at = 0;
    while (at < piece.length) {
      const rest = piece.length - at;
      const whole = taken === file.length ? rest : rest - (rest % file.blockBytes);
      if (held === 0 && whole > 0) {
        const bytes = Math.min(batch, whole);
        yield { first, blocks: piece.subarray(at, at + bytes) };
        first += Math.ceil(bytes / file.blockBytes);
        at += bytes;
        continue;
      }
      if (held === 0) kept = new Uint8Array(Math.min(batch, file.length));
      const bytes = Math.min(batch - held, rest);
      kept.set(piece.subarray(at, at + bytes), held);
      held += bytes;
      at += bytes;
      if (held === batch) {
        yield { first, blocks: kept };
        first += batch / file.blockBytes;
        held = 0;
      }
    }
  }
  if (taken !== file.length)
    throw new PdpError(
      'length',
      `The file has ${taken > file.length ? 'more than' : `${taken} bytes, not`} ${file.length} bytes; it changed while it was read`,
    );
  if (held > 0 || first < blockCount(file)) yield { first, blocks: kept.subarray(0, held) };
}
