import { nodePrimitives } from '@cloister/crypto';
import { type Prover, type ProverOptions, serveProver as serve } from '@cloister/prover';

/** Serves proofs of what lies below a directory, over HTTP, until it is closed. It has no secret. */
export const serveProver = (options: ProverOptions): Promise<Prover> => serve(nodePrimitives, options);
