import type { Answer, Primitives } from '@cloister/crypto';
import { record } from '@cloister/protocol';
import { bytesUpTo, decodeRecord, encodeRecord } from '../encoding.ts';
import { type FileDescription, fileName, isFileDescription } from './file-description.ts';

/** What a scheme may add to a file tag: the longest is DHT-PA's table after 260,000 changes. */
export const EXTRA_BYTES_MAX = 16 * 1024 * 1024;

/** What a file tag says: Shacham and Waters' tau (Asiacrypt 2008, section 3), which must be verified before anything else. */
export interface FileTag {
  readonly file: FileDescription;
  /** SHA-256 of the description. */
  readonly name: Uint8Array;
  /** Public values that the scheme adds for this file. */
  readonly extra: Uint8Array;
}

const FILE_TAG = record({ body: bytesUpTo(EXTRA_BYTES_MAX + 512), code: bytesUpTo(64) });
const BODY = record({ file: isFileDescription, extra: bytesUpTo(EXTRA_BYTES_MAX) });

/** `authenticate` is a MAC or a signature. */
export async function makeFileTag(
  file: FileDescription,
  extra: Uint8Array,
  authenticate: (body: Uint8Array) => Answer<Uint8Array>,
): Promise<Uint8Array> {
  const body = encodeRecord({ file, extra });
  return encodeRecord({ body, code: await authenticate(body) });
}

/** What a file tag says about itself, for who stores the file and believes any. */
export function readFileTag(fileTag: Uint8Array): Pick<FileTag, 'file' | 'extra'> | undefined {
  const outer = decodeRecord(FILE_TAG, fileTag);
  return outer && decodeRecord(BODY, outer.body);
}

/** What a file tag says, if `isAuthentic` says so; who has no key, the prover, believes any. */
export async function openFileTag(
  primitives: Primitives,
  scheme: string,
  fileTag: Uint8Array,
  isAuthentic: (body: Uint8Array, code: Uint8Array) => Answer<boolean>,
): Promise<FileTag | undefined> {
  const outer = decodeRecord(FILE_TAG, fileTag);
  if (outer === undefined || !(await isAuthentic(outer.body, outer.code))) return undefined;
  const body = decodeRecord(BODY, outer.body);
  if (body === undefined || body.file.scheme !== scheme) return undefined;
  return { ...body, name: await fileName(primitives, body.file) };
}
