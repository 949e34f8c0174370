import type { Answer } from '@cloister/crypto';
import type { Challenge, Selection } from './session/challenge.ts';
import type { FileDescription } from './session/file-description.ts';
import type { NodeStore } from './structures/node-store.ts';

/** What is known of a scheme before it is used; the documentation's table is made from it. */
export interface SchemeFacts {
  readonly name: string;
  /** Who may verify: the holder of the secret key, or anybody with the public one. */
  readonly verification: 'private' | 'public';
  readonly data: 'static' | 'dynamic';
  readonly selections: readonly Selection['kind'][];
  /** What its soundness rests on. */
  readonly assumption: string;
  readonly source: string;
  readonly year: number;
  readonly patents?: string;
  /** Its keys hold an RSA modulus, which takes seconds to find and is as long as a tag. */
  readonly modulus?: true;
  /** A proof has the blocks in it, so that a prover saves nothing. */
  readonly proofHoldsBlocks?: true;
  /** What it does not give. */
  readonly limits: string;
  /** Why it is here for comparison only; it then needs `insecure: true`. */
  readonly broken?: string;
}

export interface KeyOptions {
  /** Bits of an RSA modulus, for the schemes that have one: 3072 unless told. */
  readonly modulusBits?: number;
  /** The longest blocks that a key is for, where it has a public value for each sector of a block: 16 KiB unless told. */
  readonly blockBytes?: number;
  /** Allows parameters and schemes that are too weak to be relied on, for comparison with others' figures. */
  readonly insecure?: boolean;
  /** Called while a key that takes seconds is searched for, with how many of its primes are found. */
  readonly onProgress?: (found: number) => void;
}

/** Both keys as deterministic CBOR. `public` is what a prover and, with public verification, anybody may have. */
export interface KeyPair {
  readonly secret: Uint8Array;
  readonly public: Uint8Array;
}

/** Where Tag puts its tags, in order; it waits for each write. */
export interface TagOutput {
  write(tags: Uint8Array): Answer<void>;
}

export interface TagRequest {
  readonly file: FileDescription;
  /** The file's bytes from the first to the last, in pieces of any size. */
  readonly source: AsyncIterable<Uint8Array>;
  readonly out: TagOutput;
}

/** The side that has the data: an untrusted prover, or an enclave that reads dumb storage itself. */
export interface StoredFile {
  readonly fileTag: Uint8Array;
  /** All of block `index`, as it is stored now. */
  block(index: number): Answer<Uint8Array>;
  /** `length` bytes of what Tag wrote, from `offset` on. */
  tags(offset: number, length: number): Answer<Uint8Array>;
  /** Where the authenticated structure lies, for a scheme that has one. */
  readonly nodes?: NodeStore;
}

/** Why a proof was not accepted. */
export type Rejection = 'file tag' | 'malformed proof' | 'wrong proof';
export type Verdict = { readonly accepted: true } | { readonly accepted: false; readonly reason: Rejection };

/** A challenge with its answer. */
export interface Answered {
  readonly fileTag: Uint8Array;
  readonly challenge: Challenge;
  readonly proof: Uint8Array;
}

/** Makes the tags of whole blocks: `blocks` holds those from `first` on, one after the other. */
export type BlockTagger = (first: number, blocks: Uint8Array) => Answer<Uint8Array>;

/**
 * Provable data possession, with the five functions of the paper (EnclavePDP, RAID 2020; Ateniese et al., CCS 2007).
 * Keys, file tags, challenges and proofs are bytes, so that they can be kept and sent as they are.
 */
export interface Scheme {
  readonly facts: SchemeFacts;
  /** @throws PdpError `parameter` */
  keyGen(options?: KeyOptions): Promise<KeyPair>;
  /**
   * Reads the file once, and returns the file tag.
   * @throws PdpError `key`, `length`
   */
  tag(secretKey: Uint8Array, request: TagRequest): Promise<Uint8Array>;
  /**
   * A new challenge; from a given seed, the same one again.
   * @param key the secret key, or the public one with public verification
   * @throws PdpError `key`, `file-tag`, `selection`
   */
  challenge(key: Uint8Array, fileTag: Uint8Array, selection: Selection, seed?: Uint8Array): Promise<Challenge>;
  /** A proof, or undefined for a message that is no challenge for this file. */
  proof(publicKey: Uint8Array, stored: StoredFile, message: Uint8Array): Promise<Uint8Array | undefined>;
  /**
   * Whether the blocks that were asked for are there, as they were tagged. The proof is decoded and bounded completely
   * before any arithmetic.
   * @throws PdpError `key`
   */
  verify(key: Uint8Array, fileTag: Uint8Array, challenge: Challenge, proof: Uint8Array): Promise<Verdict>;
  /**
   * What `verify` says of each of many proofs under one key, of any files, for less time than one by one while they are all right.
   * @throws PdpError `key`
   */
  verifyBatch?(key: Uint8Array, answers: readonly Answered[]): Promise<readonly Verdict[]>;
  /** For schemes whose tags are one a block, and depend on that block alone: tags of a part, for another thread. */
  readonly blockTags?: {
    /** Bytes of a tag. */
    size(file: FileDescription, publicKey: Uint8Array): number;
    /** @throws PdpError `key` */
    tagger(secretKey: Uint8Array, file: FileDescription): Promise<BlockTagger>;
  };
}

/** A change of one block. `index` is its place before it is deleted, or after it was inserted; the last block stays. */
export type BlockChange =
  | { readonly kind: 'modify' | 'insert'; readonly index: number; readonly block: Uint8Array }
  | { readonly kind: 'delete'; readonly index: number };

/** A stored file whose blocks change. Blocks and tags are read by the place that they have now. */
export interface DynamicFile extends StoredFile {
  /** Carries out a change; what is behind an inserted or deleted block moves by one. A deleted block has a tag of no bytes. */
  change(change: BlockChange, tag: Uint8Array): Answer<void>;
}

export type UpdateVerdict =
  | { readonly accepted: true; readonly fileTag: Uint8Array }
  | { readonly accepted: false; readonly reason: Rejection };

/**
 * Possession of a file that changes: Erway, Kupcu, Papamanthou and Tamassia's PrepareUpdate, PerformUpdate and VerifyUpdate
 * (CCS 2009, section 2) beside the five functions.
 *
 * - **The file tag is the verifier's state**: what Tag returned and what each accepted update returns in its place. It holds what the
 *   verifier must know of the present version (a root and a number of blocks, a table, a counter), bound to the session and
 *   authenticated by the owner. `challenge` and `verify` take it as those of a static scheme do. It proves what was once current, not what
 *   is: an older one verifies the older data. So whoever verifies keeps the newest himself, sealed and fresh, and never takes one
 *   from the server. The server has a copy for its `proof`, and is handed the new one after each update.
 * - **The structure is the server's**, in `stored.nodes`. Tag writes none: the server makes it with `build` from what it was
 *   given, can do so again, and is not believed about it.
 * - **An update** goes: the owner's `prepareUpdate` makes a message; the server's `performUpdate` changes blocks, tags and structure, and
 *   returns a proof of what they were; the owner's `verifyUpdate` computes from the old file tag, the message and that proof alone
 *   what they must be now, and returns the new file tag. Who is interrupted before that keeps the message with the old file
 *   tag and asks again; so the server keeps its proof until it has the new one. The session stays the file's: `file` in the
 *   tag says the first version's length, and no key, salt or name changes.
 */
export interface DynamicScheme extends Scheme {
  /** How many blocks there are now. @throws PdpError `key`, `file-tag` */
  blocks(key: Uint8Array, fileTag: Uint8Array): Promise<number>;
  /** Makes the structure anew. */
  build(publicKey: Uint8Array, stored: StoredFile): Promise<void>;
  /**
   * The message to the server. A block has at most the session's block size.
   * @throws PdpError `key`, `file-tag`, `selection` for a place that is none, `length` for a block too long
   */
  prepareUpdate(secretKey: Uint8Array, fileTag: Uint8Array, change: BlockChange): Promise<Uint8Array>;
  /**
   * The proof, or undefined, and nothing changed, for a message that is no update of this file.
   * @throws PdpError `structure`
   */
  performUpdate(publicKey: Uint8Array, stored: DynamicFile, update: Uint8Array): Promise<Uint8Array | undefined>;
  /**
   * @param update what `prepareUpdate` made
   * @throws PdpError `key`
   */
  verifyUpdate(
    secretKey: Uint8Array,
    fileTag: Uint8Array,
    update: Uint8Array,
    proof: Uint8Array,
  ): Promise<UpdateVerdict>;
}
