import { bytes, bytesUpTo, decodeRecord, encodeRecord } from '@cloister/pdp';
import { AUDIT_ROOTS, type AuditRoot, type Check, listOf, oneOf, record, text, whole } from '@cloister/protocol';
import { refuse } from '../failure.ts';

/** So many fit into one sealed frame. */
export const PAGES_MAX = 3500;

/** Where a page lies: by the hash of its sealed bytes, so that no older one passes for it. */
export interface PagePlace {
  readonly id: Uint8Array;
  /** The blocks of its extents: those from `first` on and below `end`. */
  readonly first: number;
  readonly end: number;
}

/** Rolling coverage: in a period blocks are read in the order of a permutation that nobody else knows. */
export interface Coverage {
  readonly start: number;
  /** The permutation's, drawn anew for each period. */
  readonly key: Uint8Array;
  /** Blocks that the period covers: those that there were when it began. */
  readonly total: number;
  /** How many of the permutation have been read. */
  readonly done: number;
}

/** All that an enclave keeps of a store, but its extents. Times in milliseconds since 1970. */
export interface Head {
  /** One more with each commit. */
  readonly counter: number;
  /** 32 random bytes: which state. */
  readonly id: Uint8Array;
  /** Where its key lives says what its receipts are rooted in. */
  readonly root: AuditRoot;
  /** Where the store is, as its owner named it. */
  readonly store: string;
  /** Who is asked for proofs, or empty. */
  readonly prover: string;
  /** The second store that keeps the counter, or empty. */
  readonly counterAt: string;
  readonly scheme: string;
  readonly blockBytes: number;
  /** Of one block's tag. */
  readonly tagBytes: number;
  /** The scheme's. */
  readonly secretKey: Uint8Array;
  /** SHA-256 of its public key, if it is for a prover and anybody can verify; empty otherwise. */
  readonly schemeKey: Uint8Array;
  /** What receipts are signed with (Ed25519, RFC 8032): the seed, and the point. */
  readonly signingKey: Uint8Array;
  readonly publicKey: Uint8Array;
  readonly created: number;
  readonly period: number;
  /** The number of the next block that is tagged: blocks are numbered as they came, and no number is used again. */
  readonly nextBlock: number;
  readonly pages: readonly PagePlace[];
  readonly objects: number;
  /** Those of them with another baseline than `store`. */
  readonly sourceObjects: number;
  readonly contentHashObjects: number;
  readonly extents: number;
  readonly bytes: number;
  readonly coverage: Coverage;
  readonly audits: number;
  readonly lastAudit: number;
  readonly lastFindings: number;
}

const count = whole(Number.MAX_SAFE_INTEGER);
export const isHead: Check<Head> = record({
  counter: count,
  id: bytes(32),
  root: oneOf(...AUDIT_ROOTS),
  store: text(4096),
  prover: text(2048),
  counterAt: text(2048),
  scheme: text(32),
  blockBytes: count,
  tagBytes: count,
  secretKey: bytesUpTo(8192),
  schemeKey: bytesUpTo(32),
  signingKey: bytes(32),
  publicKey: bytes(32),
  created: count,
  period: count,
  nextBlock: count,
  pages: listOf(record({ id: bytes(32), first: count, end: count }), PAGES_MAX),
  objects: count,
  sourceObjects: count,
  contentHashObjects: count,
  extents: count,
  bytes: count,
  coverage: record({ start: count, key: bytes(32), total: count, done: count }),
  audits: count,
  lastAudit: count,
  lastFindings: count,
});

export const encodeHead = (head: Head): Uint8Array => encodeRecord(head);

/** @throws Refusal `state` */
export function decodeHead(plain: Uint8Array): Head {
  return decodeRecord(isHead, plain) ?? refuse('state', 'The head of this state is malformed');
}
