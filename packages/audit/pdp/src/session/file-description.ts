import type { Primitives } from '@cloister/crypto';
import { type Check, record, text, whole } from '@cloister/protocol';
import { bytes, encodeRecord } from '../encoding.ts';
import { PdpError } from '../pdp-error.ts';

export const FILE_ID_BYTES = 32;
export const SALT_BYTES = 32;
/** Shorter blocks are mostly tag, longer ones mostly memory. */
export const BLOCK_BYTES_MIN = 16;
export const BLOCK_BYTES_MAX = 16 * 1024 * 1024;

/**
 * One tagging session of one file. Tags are made under keys or names derived from all of it: a tag, a proof or a token
 * of another file, session, scheme, version, length or block size is another one's, and does not verify.
 */
export interface FileDescription {
  readonly scheme: string;
  /** 32 random bytes: which file. */
  readonly fileId: Uint8Array;
  /**
   * 32 bytes drawn for this session alone. A counter or a version repeats after a kill, a resume or rolled-back state,
   * and two tags under one key and index give the key away in the GMAC, CPOR, RSA and BLS forms alike.
   */
  readonly salt: Uint8Array;
  readonly version: number;
  readonly blockBytes: number;
  /** Bytes of the file; the last block is what is left, and an empty file is one block of no bytes. */
  readonly length: number;
}

export const isFileDescription: Check<FileDescription> = (value): value is FileDescription =>
  DESCRIPTION(value) && value.blockBytes >= BLOCK_BYTES_MIN;
const DESCRIPTION = record({
  scheme: text(32),
  fileId: bytes(FILE_ID_BYTES),
  salt: bytes(SALT_BYTES),
  version: whole(Number.MAX_SAFE_INTEGER),
  blockBytes: whole(BLOCK_BYTES_MAX),
  length: whole(Number.MAX_SAFE_INTEGER),
});

/**
 * A session's description under a fresh salt.
 * @throws PdpError `parameter`
 */
export function describeFile(
  primitives: Primitives,
  wish: Omit<FileDescription, 'salt' | 'fileId'> & { readonly fileId?: Uint8Array },
): FileDescription {
  const { scheme, version, blockBytes, length, fileId = primitives.random(FILE_ID_BYTES) } = wish;
  const file = { scheme, fileId, salt: primitives.random(SALT_BYTES), version, blockBytes, length };
  if (!isFileDescription(file))
    throw new PdpError(
      'parameter',
      `A block size of ${blockBytes} bytes, a length of ${length} bytes or a version ${version} out of range (blocks: ${BLOCK_BYTES_MIN} to ${BLOCK_BYTES_MAX} bytes)`,
    );
  return file;
}

/** How many blocks a file has: at least 1. */
export const blockCount = ({ length, blockBytes }: FileDescription): number =>
  Math.max(1, Math.ceil(length / blockBytes));

/** Bytes of block `index`. */
export const blockLength = ({ length, blockBytes }: FileDescription, index: number): number =>
  Math.min(blockBytes, length - index * blockBytes);

/** 32 bytes that stand for all of a description. */
export async function fileName(primitives: Primitives, file: FileDescription): Promise<Uint8Array> {
  return primitives.sha256(encodeRecord(file));
}
