import type { BlockChange, DynamicFile, KeyPair, Scheme } from '../scheme.ts';
import type { FileDescription } from '../session/file-description.ts';
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
      throw new Error('Of a file in one piece; a blockList changes');
    },
  };
}

/** A file whose blocks change, as a list of blocks and one of tags; what is passed is copied. */
export interface BlockList extends DynamicFile {
  fileTag: Uint8Array;
  readonly blocks: Uint8Array[];
  readonly tagList: Uint8Array[];
  readonly nodes: ReturnType<typeof memoryNodes>;
}

export function blockList(from: {
  readonly fileTag: Uint8Array;
  readonly blocks: readonly Uint8Array[];
  readonly tagList: readonly Uint8Array[];
  readonly records: readonly Uint8Array[];
}): BlockList {
  const blocks = [...from.blocks];
  const tagList = [...from.tagList];
  return {
    fileTag: from.fileTag,
    blocks,
    tagList,
    nodes: memoryNodes([...from.records]),
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
