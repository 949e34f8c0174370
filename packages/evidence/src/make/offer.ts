import { encodeSign1 } from '../cose-sign1.ts';
import { encodeOfferClaims, type OfferClaims } from '../offer-claims.ts';
import { RECEIPT_TYPE } from '../receipt-type.ts';

/**
 * The evidence of an offer: claims in a COSE_Sign1 message.
 * @param kid the SHA-256 of the public key: what its owner knows it by
 */
export function makeOffer(
  claims: OfferClaims,
  kid: Uint8Array,
  sign: (message: Uint8Array) => Uint8Array | Promise<Uint8Array>,
): Promise<Uint8Array> {
  return encodeSign1({ contentType: RECEIPT_TYPE, kid, payload: encodeOfferClaims(claims) }, sign);
}
