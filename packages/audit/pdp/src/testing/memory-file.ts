import type { FileDescription } from '../file-description.ts';
import type { BlockChange, DynamicFile, KeyPair, Scheme } from '../scheme.ts';
import { memoryNodes } from './memory-nodes.ts';

/** A tagged file in memory, which a test may change as a hostile storage would. */
export interface MemoryFile extends DynamicFile {
  readonly file: FileDescription;
  fileTag: Uint8Array;
  data: Uint8Array;
  tagBytes: Uint8Array;
  readonly nodes: ReturnType<typeof memoryNodes>;
}

export function memoryFile(
  file: FileDescription,
  data: Uint8Array,
  tagBytes: Uint8Array,
  fileTag: Uint8Array,
  blockBytes = file.blockBytes,
): MemoryFile {
  return {
    file,
    fileTag,
    data,
    tagBytes,
    nodes: memoryNodes(),
    block(index) {
      return this.data.subarray(index * blockBytes, (index + 1) * blockBytes);
    },
    tags(offset, length) {
      return this.tagBytes.subarray(offset, offset + length);
    },
    change: () => {
      throw new Error('Of a file in one piece; blocksInMemory gives one that changes');
    },
  };
}

/** The same file as a list of blocks, which may then have any length. */
export function blocksInMemory(
  from: MemoryFile,
  tagLength: number,
): DynamicFile & {
  fileTag: Uint8Array;
  readonly nodes: ReturnType<typeof memoryNodes>;
  readonly blocks: Uint8Array[];
  readonly tagList: Uint8Array[];
} {
  const count = from.tagBytes.length / tagLength;
  const blocks = Array.from({ length: count }, (_, at) => new Uint8Array(from.block(at) as Uint8Array));
  const tagList = blocks.map((_, at) => from.tagBytes.slice(at * tagLength, (at + 1) * tagLength));
  return {
    fileTag: from.fileTag,
    nodes: memoryNodes([...from.nodes.records]),
    blocks,
    tagList,
    block: (index) => blocks[index]!,
    tags: (offset, length) => new Uint8Array(Buffer.concat(tagList)).subarray(offset, offset + length),
    change(change: BlockChange, tag: Uint8Array) {
      const removed = change.kind === 'insert' ? 0 : 1;
      blocks.splice(change.index, removed, ...(change.kind === 'delete' ? [] : [change.block.slice()]));
      tagList.splice(change.index, removed, ...(change.kind === 'delete' ? [] : [tag.slice()]));
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
