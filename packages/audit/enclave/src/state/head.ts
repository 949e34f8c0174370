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

/**
 * What an enclave knows of a store that another one needs to audit it in its place: the scheme's key, and what was tagged. Whoever
 * holds it may tag, and two may at once: each session's keys or names are derived from a salt of 32 bytes that its enclave has
 * drawn for it, so that no two sessions share one, whoever made them, under which number of the state's. Receipts, coverage
 * and the counter are each enclave's own. Times in milliseconds since 1970.
 */
export interface Handed {
  /** 32 random bytes: which state. */
  readonly id: Uint8Array;
  /** Where the store is, as its owner named it. */
  readonly store: string;
  /** Who is asked for proofs, or empty. */
  readonly prover: string;
  readonly scheme: string;
  readonly blockBytes: number;
  /** Of one block's tag. */
  readonly tagBytes: number;
  /** The scheme's. */
  readonly secretKey: Uint8Array;
  /** SHA-256 of its public key, if it is for a prover and anybody can verify; empty otherwise. */
  readonly schemeKey: Uint8Array;
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
}

/** All that an enclave keeps of a store, but its extents. */
export interface Head extends Handed {
  /** One more with each commit. */
  readonly counter: number;
  /** The second store that keeps it, or empty. */
  readonly counterAt: string;
  /** Where its key lives says what its receipts are rooted in. */
  readonly root: AuditRoot;
  /** What receipts are signed with (Ed25519, RFC 8032): the seed, and the point. */
  readonly signingKey: Uint8Array;
  readonly publicKey: Uint8Array;
  readonly created: number;
  readonly coverage: Coverage;
  readonly audits: number;
  readonly lastAudit: number;
  readonly lastFindings: number;
}

const count = whole(Number.MAX_SAFE_INTEGER);
const HANDED = {
  id: bytes(32),
  store: text(4096),
  prover: text(2048),
  scheme: text(32),
  blockBytes: count,
  tagBytes: count,
  secretKey: bytesUpTo(8192),
  schemeKey: bytesUpTo(32),
  period: count,
  nextBlock: count,
  pages: listOf(record({ id: bytes(32), first: count, end: count }), PAGES_MAX),
  objects: count,
  sourceObjects: count,
  contentHashObjects: count,
  extents: count,
  bytes: count,
} as const;
const isHanded: Check<Handed> = record(HANDED);
export const isHead: Check<Head> = record({
  ...HANDED,
  counter: count,
  counterAt: text(2048),
  root: oneOf(...AUDIT_ROOTS),
  signingKey: bytes(32),
  publicKey: bytes(32),
  created: count,
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

/** The part of a head that is handed on, with pages that are sealed for whom it is handed to. */
export function encodeHanded(head: Head, changed: Pick<Handed, 'store' | 'pages'>): Uint8Array | undefined {
  const all: Handed = { ...head, ...changed };
  const handed = Object.fromEntries(Object.keys(HANDED).map((name) => [name, all[name as keyof Handed]]));
  return isHanded(handed) ? encodeRecord(handed) : undefined;
}

/** Undefined for what is none. */
export const decodeHanded = (plain: Uint8Array): Handed | undefined => decodeRecord(isHanded, plain);
