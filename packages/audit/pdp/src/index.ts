export { sampleIndices } from './arithmetic/index-sampling.ts';
export { bytes, bytesUpTo, decodeRecord, encodeRecord, recordsIn } from './encoding.ts';
export type { MultiUpdate } from './families/skip-list-scheme.ts';
export { PdpError, type PdpErrorCode } from './pdp-error.ts';
export { SCHEMES, type SchemeName } from './registry.ts';
export type {
  Answered,
  BlockChange,
  BlockTagger,
  DynamicFile,
  DynamicScheme,
  KeyOptions,
  KeyPair,
  Rejection,
  Scheme,
  SchemeFacts,
  StoredFile,
  TagOutput,
  TagRequest,
  UpdateVerdict,
  Verdict,
} from './scheme.ts';
export type { ReplicaScheme } from './schemes/mr-pdp.ts';
export {
  blocksAsked,
  type Challenge,
  decodeChallenge,
  encodeChallenge,
  INDICES_MAX,
  isSelection,
  SEED_BYTES,
  type Selection,
} from './session/challenge.ts';
export { blockCount, blockLength, describeFile, type FileDescription, SALT_BYTES } from './session/file-description.ts';
export { readFileTag } from './session/file-tag.ts';
export { keystream } from './session/keystream.ts';
export type { NodeStore } from './structures/node-store.ts';
export { type ProofsVerdict, type ProvenClaims, verifyProofs } from './verify-proofs.ts';
