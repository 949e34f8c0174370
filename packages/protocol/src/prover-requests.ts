import { type Check, record, text, whole } from './checked-json.ts';

/**
 * How a prover beside the data is asked, over HTTP (RFC 9110). It has no secret, believes nobody and is not believed.
 *
 * | request             | body                                     | what it is about                                                     |
 * |---------------------|------------------------------------------|----------------------------------------------------------------------|
 * | `POST /prove/NAME`  | a challenge's message                    | the file NAME, with NAME.tags, NAME.tau and, if it has one, NAME.nodes |
 * | `POST /extents/SET` | an `ExtentRequest` as deterministic CBOR | a stretch of a file, whose tags lie in a file of the set SET         |
 *
 * NAME is a path below the prover's directory, each of its parts percent-encoded; SET is 16 hexadecimal digits. The answer to both:
 *
 * | status | body                                   | meaning                                             |
 * |--------|----------------------------------------|-----------------------------------------------------|
 * | 200    | the proof, as its scheme encodes it    |                                                     |
 * | 400    | a line (as those below)                | no name, no request, or no challenge for this file  |
 * | 404    |                                        | no such file, or no tags of it                      |
 * | 405    |                                        | not POST                                            |
 * | 413    |                                        | a body too long, or more blocks than one answer may read |
 * | 415    |                                        | not `application/cbor`                              |
 * | 500    |                                        | the data or the tags cannot be read, or are damaged |
 * | 503    |                                        | too much at once, or too slow; `Retry-After` says when to ask again |
 */
export const PROVER_PATHS = { file: '/prove/', extent: '/extents/' } as const;
export const CHALLENGE_TYPE = 'application/cbor';
export const PROOF_TYPE = 'application/octet-stream';
export const PROVER_REQUEST_BYTES_MAX = 1024 * 1024;

/** Bytes of blocks that a prover reads for one answer, unless told; an enclave asks for no more. */
export const PROVER_READ_BYTES_MAX = 64 * 1024 * 1024;

/** A prover's directory has tags of audits here, each audit's in a set of its own, with the public key beside them. */
export const AUDIT_TAGS_FOLDER = '.cloister-audit';
export const PUBLIC_KEY_FILE = 'public';
export const isTagSet: Check<string> = (value): value is string =>
  typeof value === 'string' && /^[0-9a-f]{16}$/.test(value);

const bytesUpTo =
  (most: number): Check<Uint8Array> =>
  (value): value is Uint8Array =>
    value instanceof Uint8Array && value.length <= most;

/** What an enclave asks about a stretch that was tagged in one session. */
export interface ExtentRequest {
  readonly path: string;
  /** Where the stretch begins in its file. */
  readonly offset: number;
  /** The file of the set with its tags, 16 hexadecimal digits, and where they begin. */
  readonly pack: string;
  readonly tagsAt: number;
  readonly fileTag: Uint8Array;
  readonly challenge: Uint8Array;
}

/** A file tag of a scheme whose tags are one a block. */
export const EXTENT_FILE_TAG_BYTES_MAX = 1024;

export const isExtentRequest: Check<ExtentRequest> = record({
  path: text(4096),
  offset: whole(Number.MAX_SAFE_INTEGER),
  pack: isTagSet,
  tagsAt: whole(Number.MAX_SAFE_INTEGER),
  fileTag: bytesUpTo(EXTENT_FILE_TAG_BYTES_MAX),
  challenge: bytesUpTo(PROVER_REQUEST_BYTES_MAX),
});
