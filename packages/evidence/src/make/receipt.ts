import { type Claims, encodeClaims } from '../claims.ts';
import { encodeSign1 } from '../cose-sign1.ts';
import { RECEIPT_TYPE } from '../receipt-type.ts';

/**
 * A receipt: claims in a COSE_Sign1 message.
 * @param kid the SHA-256 of the public key: what its owner knows it by
 */
export function makeReceipt(
  claims: Claims,
  kid: Uint8Array,
  sign: (message: Uint8Array) => Uint8Array | Promise<Uint8Array>,
): Promise<Uint8Array> {
  return encodeSign1({ contentType: RECEIPT_TYPE, kid, payload: encodeClaims(claims) }, sign);
}
