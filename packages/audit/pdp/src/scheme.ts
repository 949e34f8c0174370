import type { Answer } from '@cloister/crypto';
import type { Challenge, Selection } from './challenge.ts';
import type { FileDescription } from './file-description.ts';

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
  /** What it does not give. */
  readonly limits: string;
  /** Why it is here for comparison only; it then needs `insecure: true`. */
  readonly broken?: string;
}

export interface KeyOptions {
  /** Bits of an RSA modulus, for the schemes that have one: 3072 unless told. */
  readonly modulusBits?: number;
  /** Allows parameters and schemes that are too weak to be relied on, for comparison with others' figures. */
  readonly insecure?: boolean;
  /** Called now and then while long work goes on, such as the search for a safe prime. */
  readonly onProgress?: (candidates: number) => void;
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
}

/** Why a proof was not accepted. */
export type Rejection = 'file tag' | 'malformed proof' | 'wrong proof';
export type Verdict = { readonly accepted: true } | { readonly accepted: false; readonly reason: Rejection };

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
  /** For schemes whose tags are one a block, and depend on that block alone: tags of a part, for another thread. */
  readonly blockTags?: {
    /** Bytes of a tag. */
    size(file: FileDescription, publicKey: Uint8Array): number;
    /** @throws PdpError `key` */
    tagger(secretKey: Uint8Array, file: FileDescription): Promise<BlockTagger>;
  };
}
