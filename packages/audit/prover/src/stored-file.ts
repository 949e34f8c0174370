import { type FileHandle, open } from 'node:fs/promises';
import type { Primitives } from '@cloister/crypto';
import {
  blockLength,
  type FileDescription,
  type ReplicaScheme,
  readFileTag,
  SCHEMES,
  type Scheme,
  type SchemeName,
  type StoredFile,
} from '@cloister/pdp';
import { type FileNodes, fileNodes } from './file-nodes.ts';

/** Where a file lies, with what Tag made of it. Offsets are for what lies in a longer file. */
export interface StoredPlace {
  readonly data: string;
  readonly dataAt?: number;
  readonly tags: string;
  readonly tagsAt?: number;
  readonly fileTag: Uint8Array;
  /** The authenticated structure's, for a scheme that has one. */
  readonly nodes?: string;
}

export interface OpenStored extends StoredFile {
  readonly scheme: Scheme;
  readonly file: FileDescription;
  readonly nodes?: FileNodes;
  close(): Promise<void>;
}

export const schemeNamed = (primitives: Primitives, name: string): Scheme | undefined =>
  Object.hasOwn(SCHEMES, name) ? SCHEMES[name as SchemeName](primitives) : undefined;

/**
 * Opens a stored file with its tags; undefined if the file tag is none of a scheme of ours.
 * @param nodes how its structure is opened: to be read, or made anew
 * @throws what opening files throws
 */
export async function openStored(
  primitives: Primitives,
  place: StoredPlace,
  nodes: 'r' | 'w+' = 'r',
): Promise<OpenStored | undefined> {
  const { fileTag, dataAt = 0, tagsAt = 0 } = place;
  const file = readFileTag(fileTag)?.file;
  const scheme = file && schemeNamed(primitives, file.scheme);
  if (file === undefined || scheme === undefined) return undefined;
  // A copy's blocks are all of one length, one byte longer than the file's (MR-PDP).
  const replicaBytes = (scheme as Partial<ReplicaScheme>).replicaBlockBytes?.(file);
  const stride = replicaBytes ?? file.blockBytes;
  const lengthOf = (index: number): number =>
    replicaBytes !== undefined || scheme.facts.data === 'dynamic' ? stride : Math.max(0, blockLength(file, index));

  const handles: FileHandle[] = [];
  const opened = async (path: string, flags: 'r' | 'w+'): Promise<FileHandle> => {
    const handle = await open(path, flags, 0o600);
    handles.push(handle);
    return handle;
  };
  const close = async (): Promise<void> => {
    for (const handle of handles) await handle.close();
  };
  try {
    const [data, tags] = [await opened(place.data, 'r'), await opened(place.tags, 'r')];
    const structure = place.nodes === undefined ? undefined : fileNodes(await opened(place.nodes, nodes));
    return {
      ...{ scheme, file, fileTag, close },
      block: (index) => readUpTo(data, dataAt + index * stride, lengthOf(index)),
      tags: (offset, length) => readUpTo(tags, tagsAt + offset, length),
      ...(structure && { nodes: structure }),
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Fewer bytes where the file ends. */
async function readUpTo(file: FileHandle, at: number, length: number): Promise<Uint8Array> {
  const bytes = Buffer.alloc(length);
  let end = 0;
  while (end < length) {
    const { bytesRead } = await file.read(bytes, end, length - end, at + end);
    if (bytesRead === 0) break;
    end += bytesRead;
  }
  return bytes.subarray(0, end);
}
