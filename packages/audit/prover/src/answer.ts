import { readFile } from 'node:fs/promises';
import type { Primitives } from '@cloister/crypto';
import { blocksAsked, decodeRecord, PdpError } from '@cloister/pdp';
import {
  AUDIT_BLOCK_BYTES,
  AUDIT_TAGS_FOLDER,
  isExtentRequest,
  isTagSet,
  PROVER_PATHS,
  PUBLIC_KEY_FILE,
} from '@cloister/protocol';
import { pathBelow } from './path-below.ts';
import { openStored, type StoredPlace } from './stored-file.ts';

export interface Served {
  /** Real paths: of the data, and of what Tag made of it. */
  readonly directory: string;
  readonly tags: string;
  /** By scheme, for files that were tagged step by step; a set has its own. */
  readonly publicKeys: ReadonlyMap<string, Uint8Array>;
  /** Bytes of blocks that one answer may read. */
  readonly readMax: number;
}

export type ProverAnswer =
  | { readonly status: 200; readonly proof: Uint8Array }
  | { readonly status: 400 | 404 | 413 | 500 | 503; readonly why: string };

type Asked =
  | { readonly place: StoredPlace; readonly publicKey?: Uint8Array; readonly challenge: Uint8Array }
  | Exclude<ProverAnswer, { readonly status: 200 }>;

const NO_SUCH = { status: 404, why: 'No such file, or no tags of it' } as const;
const NO_REQUEST = { status: 400, why: 'No request' } as const;
/** A short block costs as much as one of so many bytes: its tag has to be read, and computed with. */
const BLOCK_COST_MIN = 4096;
/** No file tag of a file that is served here is longer: the longest table is 16 MiB. */
const FILE_TAG_BYTES_MAX = 17 * 1024 * 1024;

/**
 * The proof that a request asks for, or why there is none.
 * @param target the request's path, as it came
 * @param signal aborts the work: who asked has gone, or it takes too long
 */
export async function answerRequest(
  primitives: Primitives,
  served: Served,
  target: string,
  body: Uint8Array,
  signal: AbortSignal,
): Promise<ProverAnswer> {
  const asked = await findAsked(served, target, body);
  if ('status' in asked) return asked;
  const blocks = blocksAsked(asked.challenge);
  if (blocks === undefined) return { status: 400, why: 'No challenge' };
  const stored = await openStored(primitives, asked.place).catch(() => undefined);
  if (stored === undefined) return { status: 500, why: 'The file, its tags or its file tag cannot be read' };
  try {
    const { blockBytes } = stored.file;
    if (asked.place.tagsAt !== undefined && blockBytes > AUDIT_BLOCK_BYTES.to) return NO_REQUEST;
    const cost = Math.min(blocks, Math.ceil(stored.file.length / blockBytes)) * Math.max(blockBytes, BLOCK_COST_MIN);
    if (cost > served.readMax)
      return { status: 413, why: `More than ${served.readMax} bytes of blocks: ask for fewer at once` };
    const publicKey = asked.publicKey ?? served.publicKeys.get(stored.file.scheme);
    if (publicKey === undefined) return { status: 500, why: `No public key of the scheme "${stored.file.scheme}"` };
    const proof = await stored.scheme.proof(
      publicKey,
      {
        ...stored,
        block(index) {
          signal.throwIfAborted();
          return stored.block(index);
        },
        tags(offset, length) {
          signal.throwIfAborted();
          return stored.tags(offset, length);
        },
      },
      asked.challenge,
    );
    return proof === undefined ? { status: 400, why: 'No challenge for this file' } : { status: 200, proof };
  } catch (error) {
    if (signal.aborted) return { status: 503, why: 'It took too long' };
    // A file, its tags or its structure that are damaged end in many ways, and none of them is to end the prover.
    return { status: 500, why: error instanceof PdpError ? error.message : 'The file or its tags cannot be read' };
  } finally {
    await stored.close();
  }
}

async function findAsked(served: Served, target: string, body: Uint8Array): Promise<Asked> {
  if (target.startsWith(PROVER_PATHS.extent)) return findExtent(served, target.slice(PROVER_PATHS.extent.length), body);
  if (target.startsWith(PROVER_PATHS.file)) return findFile(served, target.slice(PROVER_PATHS.file.length), body);
  return { status: 404, why: `Ask with POST ${PROVER_PATHS.file}NAME` };
}

async function findFile({ directory, tags: root }: Served, encoded: string, challenge: Uint8Array): Promise<Asked> {
  const name = decoded(encoded);
  if (name === undefined) return { status: 400, why: 'No name' };
  const [data, tags, tau, nodes] = await Promise.all([
    pathBelow(directory, name),
    pathBelow(root, `${name}.tags`),
    pathBelow(root, `${name}.tau`),
    pathBelow(root, `${name}.nodes`),
  ]);
  if (data === undefined || tags === undefined || tau === undefined) return NO_SUCH;
  const fileTag = await readFile(tau).catch(() => undefined);
  if (fileTag === undefined || fileTag.length > FILE_TAG_BYTES_MAX)
    return { status: 500, why: 'The file tag cannot be read' };
  return { place: { data, tags, fileTag, ...(nodes !== undefined && { nodes }) }, challenge };
}

async function findExtent({ directory }: Served, set: string, body: Uint8Array): Promise<Asked> {
  const request = isTagSet(set) ? decodeRecord(isExtentRequest, body) : undefined;
  if (request === undefined) return NO_REQUEST;
  const { path, offset, pack, tagsAt, fileTag, challenge } = request;
  const [data, tags, key] = await Promise.all([
    pathBelow(directory, path),
    pathBelow(directory, `${AUDIT_TAGS_FOLDER}/${set}/${pack}`),
    pathBelow(directory, `${AUDIT_TAGS_FOLDER}/${set}/${PUBLIC_KEY_FILE}`),
  ]);
  if (data === undefined || tags === undefined || key === undefined) return NO_SUCH;
  const publicKey = await readFile(key).catch(() => undefined);
  if (publicKey === undefined) return { status: 500, why: 'The public key cannot be read' };
  return { place: { data, dataAt: offset, tags, tagsAt, fileTag }, publicKey, challenge };
}

/** A name from its percent-encoding (RFC 3986, 2.1), or undefined. */
function decoded(encoded: string): string | undefined {
  try {
    return encoded.split('/').map(decodeURIComponent).join('/');
  } catch {
    return undefined;
  }
}
