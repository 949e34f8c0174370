import { nodePrimitives } from '@cloister/crypto';
import { describeFile, SCHEMES, type SchemeName } from '@cloister/pdp';

const PIECE_BYTES = 2 ** 20;
const BLOCK_BYTES = 16 * 1024;

/** The most memory, in MiB, that this process has while it tags so many bytes that no file holds, less what it had before. */
export async function tagMemory(name: SchemeName, bytes: number): Promise<number> {
  const scheme = SCHEMES[name](nodePrimitives);
  const { secret } = await scheme.keyGen();
  const piece = nodePrimitives.random(PIECE_BYTES);
  const before = process.memoryUsage.rss();
  let most = before;
  await scheme.tag(secret, {
    file: describeFile(nodePrimitives, { scheme: name, version: 1, blockBytes: BLOCK_BYTES, length: bytes }),
    source: source(),
    out: { write: () => undefined },
  });
  return (most - before) / 2 ** 20;

  async function* source(): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < bytes; at += PIECE_BYTES) {
      if (at % (64 * PIECE_BYTES) === 0) most = Math.max(most, process.memoryUsage.rss());
      yield piece;
    }
  }
}
