import { type MessageOf, type MessageSet, messageSet } from './message.ts';

/** Bytes of data or of tags that one message may have. */
export const AUDIT_PIECE_BYTES_MAX = 128 * 1024;
/** A sealed head or page is one frame. */
export const SEALED_STATE_BYTES_MAX = 224 * 1024;
export const SEALING_KEY_BYTES = 32;
/** Blocks of a store: each is read with one request, so that none is longer than a piece. */
export const AUDIT_BLOCK_BYTES = { from: 4096, to: AUDIT_PIECE_BYTES_MAX } as const;

const PIECE = { scalar: 'bytes', from: 0, to: AUDIT_PIECE_BYTES_MAX } as const;
const SEALED = { scalar: 'bytes', from: 1, to: SEALED_STATE_BYTES_MAX } as const;
const KEY = { scalar: 'bytes', from: SEALING_KEY_BYTES, to: SEALING_KEY_BYTES } as const;
/** No proof of a scheme for a prover is longer; what is longer is none. */
export const AUDIT_PROOF_BYTES_MAX = 160 * 1024;
const PROOF = { scalar: 'bytes', from: 0, to: AUDIT_PROOF_BYTES_MAX } as const;
/** What a second store keeps as the counter; empty: it has none. */
export const COUNTER_MARK_BYTES_MAX = 512;
const MARK = { scalar: 'bytes', from: 0, to: COUNTER_MARK_BYTES_MAX } as const;
const HASH = { scalar: 'bytes', from: 32, to: 32 } as const;

/**
 * What an object's tags were made from. `store`: what the store gave, so that an audit proves "unchanged since it was
 * added". `source`: the owner's own copy. `content-hash`: what the store gave, whose SHA-256 is its name, so that it is what
 * was stored under that name.
 */
export const BASELINES = ['store', 'source', 'content-hash'] as const;
export type Baseline = (typeof BASELINES)[number];

/** What the signatures of an audit's receipts are rooted in. */
export const AUDIT_ROOTS = ['software', 'tpm'] as const;
export type AuditRoot = (typeof AUDIT_ROOTS)[number];

/** Why blocks could not be read: what the storage or the way to it said. */
export const LOSSES = ['missing', 'archived', 'stale', 'timed-out', 'unreachable', 'throttled', 'unknown'] as const;
export type Loss = (typeof LOSSES)[number];

/**
 * What an audit says of blocks. `not-proven`: a prover has given no proof, so that nobody can say which of them are wrong.
 * `unsteady`: wrong when they were read, or proven, first, and right the second time.
 */
export const FINDINGS = ['corrupt', 'not-proven', 'unsteady', ...LOSSES] as const;
export type FindingKind = (typeof FINDINGS)[number];

/** Why an enclave did not do what it was asked. Closed, so that a client can map each to a line for its user. */
export const ENCLAVE_FAILURES = [
  /** A state that was not sealed under this key. */
  'key',
  /** A state that is damaged, or is not this enclave's. */
  'state',
  /** A state older than one that was kept before. */
  'rolled-back',
  /** Data that is not as long as was said. */
  'length',
  /** Data that is not what its name says. */
  'content',
  /** An argument out of its range, or a request out of its order. */
  'request',
  /** A scheme that there is not, or that is not for such a store. */
  'scheme',
  /** More objects than a state can list. */
  'full',
  /** Keys that are not for this offer, were changed on the way, or come a second time. */
  'envelope',
] as const;
export type EnclaveFailure = (typeof ENCLAVE_FAILURES)[number];

/**
 * What a client has an enclave do: one job at a time, each ended by `done` or `failed`. The enclave has no file: what it
 * knows beyond a job leaves it sealed (`page`, `head`), and comes back the same way.
 */
const TO_ENCLAVE = {
  /** What this enclave is, as whoever started it has measured it: its receipts say so. It comes first. */
  measured: {
    code: 0x9f,
    fields: { bundle: HASH, filter: HASH, node: HASH, libraries: HASH, command: 'text', level: 'text' },
  },
  /**
   * A new state for `store`, as its owner names it, sealed under `key`. `period` in milliseconds: within one, each block is
   * read once. `prover`: who is asked for proofs in the place of the store for blocks; empty for nobody. `counterAt`: the
   * second store that keeps the counter; empty where this host does.
   */
  create: {
    code: 0xa0,
    fields: {
      key: KEY,
      root: { oneOf: AUDIT_ROOTS },
      store: 'text',
      prover: 'text',
      counterAt: 'text',
      scheme: 'text',
      blockBytes: 'u32',
      period: 'size',
    },
  },
  /**
   * Offers to take an audit's keys from its owner, who gave the nonce. The state that they make will be sealed under `key`,
   * and so is meanwhile what opens them. `counterAt`: the second store that will keep its counter, or empty.
   */
  offer: { code: 0x90, fields: { key: KEY, root: { oneOf: AUDIT_ROOTS }, counterAt: 'text', nonce: HASH } },
  /**
   * Gives the keys of the open state to the enclave that has made an offer: `recipient` stands in its evidence, of which
   * this is the hash. `secret` is what the owner's nonce is the hash of. `store`: as the other side names it.
   */
  'hand-over': { code: 0x91, fields: { recipient: HASH, evidence: HASH, secret: HASH, store: 'text' } },
  /**
   * Takes over what was handed to `offer`, which this enclave sealed under `key`; the state that it becomes is open then, and
   * `commit` keeps it. `counter` and `mark`: an offer is good once, for a state of which nothing was kept before.
   */
  'take-over': {
    code: 0x92,
    fields: { key: KEY, counter: 'size', mark: MARK, offer: SEALED, envelope: SEALED, head: SEALED },
  },
  /**
   * A state that was sealed before. `counter`: it is refused if its own is lower; or where a second store keeps that,
   * `mark`, what it gave.
   */
  open: { code: 0xa1, fields: { key: KEY, counter: 'size', counterAt: 'text', mark: MARK, head: SEALED } },
  /**
   * Tags an extent of an object: `data` follows, `length` bytes in all, then `data.end`. Its tags will lie in the file
   * `pack` from `tagsAt` on. `pin` is what the store calls this state of the object. With the baseline `content-hash` the
   * extent is a whole object, and tagged only if the last part of its path is its SHA-256 in hexadecimal. With `replace`
   * what was committed of the object before is forgotten, in the commit that keeps this.
   */
  tag: {
    code: 0xa2,
    fields: {
      path: 'text',
      offset: 'size',
      length: 'size',
      objectBytes: 'size',
      pin: 'text',
      baseline: { oneOf: BASELINES },
      pack: 'text',
      tagsAt: 'size',
      replace: 'bool',
    },
  },
  data: { code: 0xa3, fields: { bytes: PIECE } },
  /** `complete` is false if the object could not be read to its end: the extent is forgotten. */
  'data.end': { code: 0xa4, fields: { complete: 'bool' } },
  /** Forgets an object: it is the owner's will that it is gone. */
  forget: { code: 0xa5, fields: { path: 'text' } },
  /** Seals what has changed; `page`s, one `head` and its `mark` come, and the last two are answered with `kept`. */
  commit: { code: 0xa6, fields: {} },
  kept: { code: 0xa7, fields: {} },
  /** The answers to `page.want`. */
  page: { code: 0xa8, fields: { bytes: SEALED } },
  'page.lost': { code: 0xa9, fields: {} },
  /** Names all extents, and the pages that they lie in. */
  list: { code: 0xaa, fields: {} },
  /** An object that the store does not list, of which the audit that follows tells. */
  absent: { code: 0xab, fields: { path: 'text' } },
  /** Why the store could not be listed, of which the audit that follows tells. */
  unlisted: { code: 0x9c, fields: { loss: { oneOf: LOSSES } } },
  /**
   * Reads and checks: all blocks, or those that the period's plan makes due, at most `due` of them, and `sample` random
   * ones.
   */
  audit: { code: 0xac, fields: { all: 'bool', due: 'size', sample: { scalar: 'u32', from: 0, to: 1_000_000 } } },
  /** The answers to `read`, in any order. */
  blocks: { code: 0xad, fields: { ask: 'u32', bytes: PIECE, tags: PIECE } },
  lost: { code: 0xae, fields: { ask: 'u32', loss: { oneOf: LOSSES } } },
  /** The answer to `challenge`, in any order. */
  proof: { code: 0xaf, fields: { ask: 'u32', bytes: PROOF } },
  /** A receipt, whosoever: the next leaf of the `batch` that follows. */
  leaf: { code: 0x9d, fields: { bytes: SEALED } },
  /** Signs the head of a tree over all leaves; one `batched` comes for each, in their order. */
  batch: { code: 0x9e, fields: {} },
} as const;

const FROM_ENCLAVE = {
  /** What a state holds; times in milliseconds since 1970, 0 for never. */
  state: {
    code: 0xb0,
    fields: {
      root: { oneOf: AUDIT_ROOTS },
      store: 'text',
      prover: 'text',
      counterAt: 'text',
      scheme: 'text',
      blockBytes: 'u32',
      /** Of one block's tag. */
      tagBytes: 'u32',
      objects: 'size',
      /** Objects of these baselines; all others have the baseline `store`. */
      sourceObjects: 'size',
      contentHashObjects: 'size',
      extents: 'size',
      bytes: 'size',
      blocks: 'size',
      created: 'size',
      period: 'size',
      /** When the period's reading began, how many blocks it has, and how many of them were read. */
      periodStart: 'size',
      periodBlocks: 'size',
      periodDone: 'size',
      audits: 'size',
      lastAudit: 'size',
      /** Findings of the last audit. */
      lastFindings: 'size',
      /** What its receipts are signed with (Ed25519). */
      publicKey: HASH,
      counter: 'size',
      /** Which state: whoever takes it over has the same. */
      id: HASH,
    },
  },
  /** Tags of the extent that is being tagged, in order. */
  tags: { code: 0xb1, fields: { bytes: PIECE } },
  page: { code: 0xb2, fields: { id: HASH, bytes: SEALED } },
  head: { code: 0xb3, fields: { bytes: SEALED } },
  /** After the head that it is of was kept, or when a state is opened whose counter is behind: no older state is believed. */
  mark: { code: 0xc8, fields: { counter: 'size', bytes: MARK } },
  'page.want': { code: 0xb4, fields: { id: HASH } },
  'page.live': { code: 0xbc, fields: { id: HASH } },
  extent: {
    code: 0xb5,
    fields: {
      path: 'text',
      offset: 'size',
      length: 'size',
      objectBytes: 'size',
      pin: 'text',
      baseline: { oneOf: BASELINES },
      pack: 'text',
    },
  },
  /** Bytes of an object and the tags of their blocks. `first` of its `blocks`. */
  read: {
    code: 0xb6,
    fields: {
      ask: 'u32',
      path: 'text',
      pin: 'text',
      offset: 'size',
      length: 'u32',
      pack: 'text',
      tagsAt: 'size',
      tagsLength: 'u32',
    },
  },
  /** An offer: the evidence for the owner, and what this enclave needs to take it up, sealed. */
  offered: { code: 0xc1, fields: { evidence: SEALED, sealed: SEALED } },
  /** What was handed over, beside its pages: a head under a key of its own, and the envelope with that key. */
  handed: { code: 0xc2, fields: { head: SEALED, envelope: SEALED } },
  /** The key that a prover works with, of a new state that has one: it is nobody's secret. */
  public: { code: 0xbe, fields: { bytes: SEALED } },
  /** What a prover is to be asked: an `ExtentRequest`. */
  challenge: { code: 0xbf, fields: { ask: 'u32', body: SEALED } },
  /**
   * A part of the transcript that the receipt has the hash of, where anybody verifies: what was asked, and the proof. They are
   * kept beside the receipt, one after the other.
   */
  proven: { code: 0xc0, fields: { bytes: SEALED } },
  /** What is wrong with `blocks` blocks of an object, from byte `offset` on. */
  finding: {
    code: 0xb7,
    fields: { path: 'text', finding: { oneOf: FINDINGS }, offset: 'size', length: 'size', blocks: 'size' },
  },
  /** How far an audit is. */
  progress: { code: 0xb8, fields: { blocks: 'size', of: 'size', bytes: 'size' } },
  /** What an audit says, signed: COSE_Sign1. */
  receipt: { code: 0xbd, fields: { number: 'size', bytes: SEALED } },
  /** That a leaf is in a batch, signed: a COSE Receipt (RFC 9942). */
  batched: { code: 0xd0, fields: { bytes: SEALED } },
  /** What an audit has read. */
  audited: {
    code: 0xb9,
    fields: {
      number: 'size',
      time: 'size',
      blocks: 'size',
      bytes: 'size',
      sampled: 'size',
      due: 'size',
      ofBlocks: 'size',
      findings: 'size',
    },
  },
  done: { code: 0xba, fields: {} },
  failed: { code: 0xbb, fields: { failure: { oneOf: ENCLAVE_FAILURES }, text: 'text' } },
} as const;

export type ToEnclave = MessageOf<typeof TO_ENCLAVE>;
export type FromEnclave = MessageOf<typeof FROM_ENCLAVE>;
export const toEnclave: MessageSet<ToEnclave> = messageSet(TO_ENCLAVE);
export const fromEnclave: MessageSet<FromEnclave> = messageSet(FROM_ENCLAVE);

/** What an answer says, without its kind. */
export type StateFacts = Omit<Extract<FromEnclave, { readonly kind: 'state' }>, 'kind'>;
export type Finding = Omit<Extract<FromEnclave, { readonly kind: 'finding' }>, 'kind'>;
export type Audited = Omit<Extract<FromEnclave, { readonly kind: 'audited' }>, 'kind'>;
