import { sha256 } from '@noble/hashes/sha2.js';
import { partsOf } from '../batch.ts';
import { type Claims, decodeClaims } from '../claims.ts';
import { decodeSign1 } from '../cose-sign1.ts';
import { hex } from '../hex.ts';
import { RECEIPT_TYPE } from '../receipt-type.ts';
import { type Batch, verifyInclusion } from './inclusion.ts';
import { isSigned } from './is-signed.ts';

/** Why a receipt does not verify. */
export type Flaw = 'malformed' | 'wrong signature' | 'another key' | 'wrong batch';

export type Verified =
  | {
      readonly ok: true;
      readonly claims: Claims;
      readonly fingerprint: string;
      /** Where it has its place among others, and who says so: a key of its own, to be known or not. */
      readonly batch: Batch | undefined;
    }
  | { readonly ok: false; readonly flaw: Flaw };

/**
 * Whether a receipt is what the holder of a key signed, and in the batch that it says.
 * @param fingerprint the SHA-256 of that key in hexadecimal, as its owner noted it; without one, any key's: then only
 *   that nothing was changed since
 */
export function verifyReceipt(receipt: Uint8Array, fingerprint?: string): Verified {
  const parts = partsOf(receipt);
  const message = parts && decodeSign1(parts.signed);
  const claims = message && message.contentType === RECEIPT_TYPE ? decodeClaims(message.payload) : undefined;
  if (parts === undefined || message === undefined || claims === undefined) return { ok: false, flaw: 'malformed' };
  const kid = hex(sha256(claims.publicKey));
  if (kid !== hex(message.kid)) return { ok: false, flaw: 'malformed' };
  if (!isSigned(message.signature, message.signedBytes, claims.publicKey))
    return { ok: false, flaw: 'wrong signature' };
  if (fingerprint !== undefined && fingerprint !== kid) return { ok: false, flaw: 'another key' };
  const { signed, inclusion } = parts;
  const batch = inclusion && verifyInclusion(signed, inclusion);
  if (inclusion !== undefined && batch === undefined) return { ok: false, flaw: 'wrong batch' };
  return { ok: true, claims, fingerprint: kid, batch };
}
