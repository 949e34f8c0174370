export { type Challenge, INDICES_MAX, SEED_BYTES, type Selection } from './challenge.ts';
export { blockCount, blockLength, describeFile, type FileDescription } from './file-description.ts';
export { PdpError, type PdpErrorCode } from './pdp-error.ts';
export { SCHEMES, type SchemeName } from './registry.ts';
export type {
  BlockTagger,
  KeyOptions,
  KeyPair,
  Rejection,
  Scheme,
  SchemeFacts,
  StoredFile,
  TagOutput,
  TagRequest,
  Verdict,
} from './scheme.ts';
export type { ReplicaScheme } from './schemes/mr-pdp.ts';
