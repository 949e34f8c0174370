export { keyScheme } from './key-scheme.ts';
export { type Prover, type ProverOptions, serveProver } from './serve-prover.ts';
export { openStored, type StoredPlace, schemeNamed } from './stored-file.ts';
