export { sampleIndices } from './arithmetic/index-sampling.ts';
export { type Challenge, INDICES_MAX, SEED_BYTES, type Selection } from './challenge.ts';
export { bytes, bytesUpTo, decodeRecord, encodeRecord } from './encoding.ts';
export { blockCount, blockLength, describeFile, type FileDescription, SALT_BYTES } from './file-description.ts';
export { keystream } from './keystream.ts';
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
export type { MultiUpdate } from './skip-list-scheme.ts';
export type { NodeStore } from './structures/node-store.ts';
