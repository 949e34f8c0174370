import { type Claims, encodeClaims } from '../claims.ts';
import { CONTENT_TYPE, encodeSign1, KID, sign1 } from '../cose-sign1.ts';
import { RECEIPT_TYPE } from '../receipt-type.ts';

/**
 * A receipt: claims in a COSE_Sign1 message.
 * @param kid the SHA-256 of the public key: what its owner knows it by
 */
export async function makeReceipt(
  claims: Claims,
  kid: Uint8Array,
  sign: (message: Uint8Array) => Uint8Array | Promise<Uint8Array>,
): Promise<Uint8Array> {
  const header = [
    [CONTENT_TYPE, RECEIPT_TYPE],
    [KID, kid],
  ] as const;
  return encodeSign1(await sign1(header, encodeClaims(claims), sign));
}
