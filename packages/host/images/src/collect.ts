/** A stream of bytes, in chunks of any size. */
export type ByteSource = AsyncIterable<Uint8Array>;

/** All bytes of a source; `exceeded` is called, and throws, as soon as they are more than `limit`. */
export async function collect(source: ByteSource, limit: number, exceeded: () => never): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of source) {
    length += chunk.length;
    if (length > limit) exceeded();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

export async function* sourceOf(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  yield bytes;
}
