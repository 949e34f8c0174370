import { encode } from 'cborg';
import { type Evidence, evidenceClaims, hash, readEvidence } from './claims.ts';
import { decodeStrict } from './cose-message.ts';

/** What an enclave says that offers to take an audit's keys: its key signs the receipts of what was taken over, too. */
export interface OfferClaims extends Evidence {
  /** 32 bytes that the owner has drawn for this offer. */
  readonly nonce: Uint8Array;
  /** Whom keys are sealed to: an X25519 key that was drawn for this offer (HPKE, RFC 9180). */
  readonly recipient: Uint8Array;
}

/** RFC 9711, 4.1. */
const EAT_NONCE = 10;
/** Apart from receipts', so that neither ever passes for the other. */
const PROFILE = 'tag:cloister.invalid,2026:key-offer';

export const encodeOfferClaims = ({ nonce, recipient, ...evidence }: OfferClaims): Uint8Array =>
  encode(evidenceClaims(PROFILE, evidence, ['recipient', recipient]).set(EAT_NONCE, nonce));

/** Undefined for anything that is not exactly such claims. */
export function decodeOfferClaims(payload: Uint8Array): OfferClaims | undefined {
  const claims = decodeStrict(payload);
  if (!(claims instanceof Map)) return undefined;
  const nonce: unknown = claims.get(EAT_NONCE);
  claims.delete(EAT_NONCE);
  const read = readEvidence(PROFILE, claims, 'recipient');
  if (read === undefined) return undefined;
  const { own: recipient, ...evidence } = read;
  return hash(nonce) && hash(recipient) ? { ...evidence, nonce, recipient } : undefined;
}
