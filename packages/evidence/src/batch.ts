import { encode } from 'cborg';
import { type Evidence, evidenceClaims, readEvidence } from './claims.ts';
import { type CoseMessage, decodeMessage, decodeStrict, encodeMessage, type Header, isBytes } from './cose-message.ts';
import { KID } from './cose-sign1.ts';

// A batch: receipts as the leaves of one tree, whose head an enclave has signed. Each of them then has a COSE Receipt of
// Inclusion (RFC 9942, 5.2) in its unprotected header, and so is whole by itself.

/** Header parameters (RFC 9942, 2; RFC 9597, 2). */
const RECEIPTS = 394;
export const VDS = 395;
export const VDP = 396;
export const CWT_CLAIMS = 15;
/** RFC9162_SHA256, and its proofs of inclusion (RFC 9942, 4). */
export const RFC9162_SHA256 = 1;
export const INCLUSION = -1;
/** What sets leaves and nodes apart (RFC 9162, 2.1.1). */
export const LEAF = Uint8Array.of(0);
export const NODE = Uint8Array.of(1);
/** One leaf has no path, and RFC 9942 knows no proof without one. */
export const BATCH_LEAVES = { from: 2, to: 65_536 } as const;
const PATH_MAX = 16;
const PROFILE = 'tag:cloister.invalid,2026:audit-batch';

/** What a batch's head says of it, besides its root. The size too: the same path may fit trees of several (RFC 9162, 2.1.3). */
export interface BatchHead extends Evidence {
  readonly size: number;
}

export const batchClaims = ({ size, ...evidence }: BatchHead): Map<number | string, unknown> =>
  evidenceClaims(PROFILE, evidence, ['receipts', size]);

export interface InclusionProof {
  readonly size: number;
  readonly index: number;
  /** Hashes, from the leaf's neighbour up. */
  readonly path: readonly Uint8Array[];
}

export const encodeInclusion = ({ size, index, path }: InclusionProof): Uint8Array => encode([size, index, [...path]]);

/** What is in a receipt of inclusion; its head's signature is for who knows the root. */
export interface Inclusion {
  readonly message: CoseMessage;
  readonly head: BatchHead;
  readonly kid: Uint8Array;
  readonly proof: InclusionProof;
}

/** Undefined for anything that is not exactly such a receipt, of one proof. */
export function decodeInclusion(bytes: Uint8Array): Inclusion | undefined {
  const message = decodeMessage(bytes);
  if (message === undefined || message.payload !== null || message.header.size !== 4) return undefined;
  const { header, unprotectedHeader } = message;
  const read = readEvidence(PROFILE, header.get(CWT_CLAIMS), 'receipts');
  const kid = header.get(KID);
  const proof = inclusionIn(unprotectedHeader);
  if (read === undefined || !isBytes(kid) || header.get(VDS) !== RFC9162_SHA256 || proof === undefined)
    return undefined;
  const { own: size, ...evidence } = read;
  return size === proof.size ? { message, head: { ...evidence, size }, kid, proof } : undefined;
}

function inclusionIn(header: Header): InclusionProof | undefined {
  const proofs = header.size === 1 ? header.get(VDP) : undefined;
  const list: unknown = proofs instanceof Map && proofs.size === 1 ? proofs.get(INCLUSION) : undefined;
  const only: unknown = Array.isArray(list) && list.length === 1 ? list[0] : undefined;
  const parts = isBytes(only) ? decodeStrict(only) : undefined;
  if (!Array.isArray(parts) || parts.length !== 3) return undefined;
  const [size, index, path] = parts as unknown[];
  const isSize = (value: unknown): value is number =>
    Number.isSafeInteger(value) && (value as number) >= BATCH_LEAVES.from && (value as number) <= BATCH_LEAVES.to;
  if (!isSize(size) || !Number.isSafeInteger(index) || (index as number) < 0 || (index as number) >= size)
    return undefined;
  if (!Array.isArray(path) || path.length < 1 || path.length > PATH_MAX) return undefined;
  const hashes = path as unknown[];
  return hashes.every((hash): hash is Uint8Array => isBytes(hash) && hash.length === 32)
    ? { size, index: index as number, path: hashes }
    : undefined;
}

/** A receipt as its enclave made it, and the receipt of inclusion that was attached to it since, if one was. */
export interface Parts {
  /** The leaf of a batch, and what a quote is of. */
  readonly signed: Uint8Array;
  readonly inclusion: Uint8Array | undefined;
}

/** Undefined for what is no COSE_Sign1, or has anything else unprotected. */
export function partsOf(receipt: Uint8Array): Parts | undefined {
  const message = decodeMessage(receipt);
  if (message === undefined) return undefined;
  const { unprotectedHeader } = message;
  const signed = encodeMessage({ ...message, unprotectedHeader: new Map() });
  if (unprotectedHeader.size === 0) return { signed, inclusion: undefined };
  const list: unknown = unprotectedHeader.size === 1 ? unprotectedHeader.get(RECEIPTS) : undefined;
  const only: unknown = Array.isArray(list) && list.length === 1 ? list[0] : undefined;
  return isBytes(only) ? { signed, inclusion: only } : undefined;
}

/** A receipt with its place in a batch, for who keeps both. @throws for what is no COSE_Sign1 */
export function withInclusion(receipt: Uint8Array, inclusion: Uint8Array): Uint8Array {
  const message = decodeMessage(receipt);
  if (message === undefined) throw new TypeError('No COSE_Sign1 message');
  return encodeMessage({ ...message, unprotectedHeader: new Map([[RECEIPTS, [inclusion]]]) });
}

/** A receipt without what was attached to it since. */
export const asSigned = (receipt: Uint8Array): Uint8Array | undefined => partsOf(receipt)?.signed;
