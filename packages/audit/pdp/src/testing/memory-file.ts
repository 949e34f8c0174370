import type { FileDescription } from '../file-description.ts';
import type { KeyPair, Scheme, StoredFile } from '../scheme.ts';

/** A tagged file in memory, which a test may change as a hostile storage would. */
export interface MemoryFile extends StoredFile {
  readonly file: FileDescription;
  data: Uint8Array;
  tagBytes: Uint8Array;
}

export function memoryFile(
  file: FileDescription,
  data: Uint8Array,
  tagBytes: Uint8Array,
  fileTag: Uint8Array,
): MemoryFile {
  const { blockBytes } = file;
  return {
    file,
    fileTag,
    data,
    tagBytes,
    block(index) {
      return this.data.subarray(index * blockBytes, (index + 1) * blockBytes);
    },
    tags(offset, length) {
      return this.tagBytes.subarray(offset, offset + length);
    },
  };
}

/** Tags `data`, read in pieces of `pieceBytes`. */
export async function tagInMemory(
  scheme: Scheme,
  keys: KeyPair,
  file: FileDescription,
  data: Uint8Array,
  pieceBytes = 1000,
): Promise<MemoryFile> {
  const written: Uint8Array[] = [];
  async function* source() {
    for (let at = 0; at < data.length; at += pieceBytes) yield data.subarray(at, at + pieceBytes);
  }
  const fileTag = await scheme.tag(keys.secret, {
    file,
    source: source(),
    out: { write: (tags) => void written.push(tags.slice()) },
  });
  return memoryFile(file, data, new Uint8Array(Buffer.concat(written)), fileTag);
}
