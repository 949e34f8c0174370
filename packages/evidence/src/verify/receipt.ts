import { sha256 } from '@noble/hashes/sha2.js';
import { asSigned, attachedTo } from '../batch.ts';
import { type Claims, decodeClaims } from '../claims.ts';
import { CONTENT_TYPE, decodeSign1, isBytes, KID, signedBytes } from '../cose-sign1.ts';
import { RECEIPT_TYPE } from '../receipt-type.ts';
import { type Batch, verifyInclusion } from './inclusion.ts';
import { hex, isSigned } from './signature.ts';

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
  const message = decodeSign1(receipt);
  if (message === undefined || message.header.size !== 3 || message.header.get(CONTENT_TYPE) !== RECEIPT_TYPE)
    return { ok: false, flaw: 'malformed' };
  const { header, headerBytes, unprotectedHeader, payload, signature } = message;
  const [kid, attached] = [header.get(KID), attachedTo(unprotectedHeader)];
  const claims = payload === null ? undefined : decodeClaims(payload);
  if (payload === null || claims === undefined || attached === undefined || !isBytes(kid))
    return { ok: false, flaw: 'malformed' };
  const signer = hex(sha256(claims.publicKey));
  if (signer !== hex(kid)) return { ok: false, flaw: 'malformed' };
  if (!isSigned(signature, signedBytes(headerBytes, payload), claims.publicKey))
    return { ok: false, flaw: 'wrong signature' };
  if (fingerprint !== undefined && fingerprint !== signer) return { ok: false, flaw: 'another key' };
  const batch = attached === 'none' ? undefined : verifyInclusion(asSigned(receipt)!, attached);
  if (attached !== 'none' && batch === undefined) return { ok: false, flaw: 'wrong batch' };
  return { ok: true, claims, fingerprint: signer, batch };
}
