import { nodePrimitives } from '@cloister/crypto';
import { type ProofsVerdict, type ProvenClaims, verifyProofs as verify } from '@cloister/pdp';

/** Verifies the proofs of an audit again, without the enclave. */
export const verifyProofs = (claims: ProvenClaims, proofs: Uint8Array, publicKey: Uint8Array): Promise<ProofsVerdict> =>
  verify(nodePrimitives, claims, proofs, publicKey);
