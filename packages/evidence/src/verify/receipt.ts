import { sha256 } from '@noble/hashes/sha2.js';
import { type Claims, decodeClaims } from '../claims.ts';
import { decodeSign1 } from '../cose-sign1.ts';
import { hex } from '../hex.ts';
import { RECEIPT_TYPE } from '../receipt-type.ts';
import { isSigned } from './is-signed.ts';

/** Why a receipt does not verify. */
export type Flaw = 'malformed' | 'wrong signature' | 'another key';

export type Verified =
  | { readonly ok: true; readonly claims: Claims; readonly fingerprint: string }
  | { readonly ok: false; readonly flaw: Flaw };

/**
 * Whether a receipt is what the holder of a key signed.
 * @param fingerprint the SHA-256 of that key in hexadecimal, as its owner noted it; without one, any key's: then only
 *   that nothing was changed since
 */
export function verifyReceipt(receipt: Uint8Array, fingerprint?: string): Verified {
  const message = decodeSign1(receipt);
  const claims = message && message.contentType === RECEIPT_TYPE ? decodeClaims(message.payload) : undefined;
  if (message === undefined || claims === undefined) return { ok: false, flaw: 'malformed' };
  const kid = hex(sha256(claims.publicKey));
  if (kid !== hex(message.kid)) return { ok: false, flaw: 'malformed' };
  if (!isSigned(message.signature, message.signedBytes, claims.publicKey))
    return { ok: false, flaw: 'wrong signature' };
  if (fingerprint !== undefined && fingerprint !== kid) return { ok: false, flaw: 'another key' };
  return { ok: true, claims, fingerprint: kid };
}
