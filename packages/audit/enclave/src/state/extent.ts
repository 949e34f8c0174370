import type { Primitives } from '@cloister/crypto';
import { bytes, bytesUpTo, decodeRecord, encodeRecord, type FileDescription, SALT_BYTES } from '@cloister/pdp';
import {
  BASELINES,
  type Baseline,
  type Check,
  EXTENT_FILE_TAG_BYTES_MAX,
  listOf,
  oneOf,
  record,
  text,
  whole,
} from '@cloister/protocol';
import { refuse } from '../failure.ts';

const count = whole(Number.MAX_SAFE_INTEGER);

/**
 * A stretch of an object that was tagged in one session, under a salt of its own: so a long object that was tagged in part
 * goes on after a kill, and no two sessions ever make a tag under one key.
 */
export interface Extent {
  readonly path: string;
  /** Its place in the object, in bytes. */
  readonly offset: number;
  readonly length: number;
  readonly objectBytes: number;
  /** What the store called this state of the object. */
  readonly pin: string;
  readonly baseline: Baseline;
  /** Drawn when it was tagged, and for nothing else. */
  readonly salt: Uint8Array;
  /** The state's counter then. */
  readonly version: number;
  /** The number of its first block. */
  readonly first: number;
  /** Where its tags lie. */
  readonly pack: string;
  readonly tagsAt: number;
  /** Of a state with a prover; empty otherwise. */
  readonly fileTag: Uint8Array;
}

export const isExtent: Check<Extent> = record({
  path: text(4096),
  offset: count,
  length: count,
  objectBytes: count,
  pin: text(1024),
  baseline: oneOf(...BASELINES),
  salt: bytes(SALT_BYTES),
  version: count,
  first: count,
  pack: text(64),
  tagsAt: count,
  fileTag: bytesUpTo(EXTENT_FILE_TAG_BYTES_MAX),
});
const PAGE = record({ extents: listOf(isExtent, 100_000) });

export const encodePage = (extents: readonly Extent[]): Uint8Array => encodeRecord({ extents });

/** @throws Refusal `state` */
export function decodePage(plain: Uint8Array): readonly Extent[] {
  return decodeRecord(PAGE, plain)?.extents ?? refuse('state', 'A page of this state is malformed');
}

/** How many blocks an extent has. */
export const blocksOf = ({ length }: Extent, blockBytes: number): number => Math.max(1, Math.ceil(length / blockBytes));

/** What the extent's tags are bound to: which state, object and place, and all else of it. */
export async function describeExtent(
  primitives: Primitives,
  { id, scheme, blockBytes }: { readonly id: Uint8Array; readonly scheme: string; readonly blockBytes: number },
  { path, offset, salt, version, length }: Extent,
): Promise<FileDescription> {
  const fileId = await primitives.sha256(encodeRecord({ state: id, path, offset }));
  return { scheme, fileId, salt, version, blockBytes, length };
}
