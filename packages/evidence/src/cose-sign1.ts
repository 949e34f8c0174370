import { decodeMessage, encodeMessage, isBytes, signedBytes, signMessage } from './cose-message.ts';

/** Header parameters (RFC 9052, 3.1). */
const CONTENT_TYPE = 3;
export const KID = 4;

export interface Sign1 {
  readonly contentType: string;
  readonly kid: Uint8Array;
  readonly payload: Uint8Array;
  readonly signature: Uint8Array;
  /** Sig_structure (RFC 9052, 4.4): what the signature is over. */
  readonly signedBytes: Uint8Array;
}

/** A COSE_Sign1 message (RFC 9052, 4.2) with an EdDSA signature, tagged, everything about it protected. */
export async function encodeSign1(
  { contentType, kid, payload }: Pick<Sign1, 'contentType' | 'kid' | 'payload'>,
  sign: (message: Uint8Array) => Uint8Array | Promise<Uint8Array>,
): Promise<Uint8Array> {
  const header = [
    [CONTENT_TYPE, contentType],
    [KID, kid],
  ] as const;
  return encodeMessage(await signMessage(header, payload, sign));
}

/** Undefined for anything that is not exactly what `encodeSign1` makes, but for the signature, which the caller checks. */
export function decodeSign1(bytes: Uint8Array): Sign1 | undefined {
  const message = decodeMessage(bytes);
  if (message === undefined || message.header.size !== 3 || message.unprotectedHeader.size > 0) return undefined;
  const { header, headerBytes, payload, signature } = message;
  const [contentType, kid] = [header.get(CONTENT_TYPE), header.get(KID)];
  if (typeof contentType !== 'string' || !isBytes(kid) || payload === null) return undefined;
  return { contentType, kid, payload, signature, signedBytes: signedBytes(headerBytes, payload) };
}
