import { p256 } from '@noble/curves/nist.js';
import { sha256 } from '@noble/hashes/sha2.js';

const GENERATED = 0xff54_4347;
const ALG_ECDSA = 0x0018;
/** TPM_ALG_SHA256, which names begin with, too. */
export const ALG_SHA256 = 0x000b;

/** What a TPM attests (TPMI_ST_ATTEST): the registers, and the content of an NV index. */
export const ATTEST = { quote: 0x8018, nv: 0x8014 } as const;

/** What a TPM has signed about something. */
export interface Attestation {
  /** TPMS_ATTEST (TPM 2.0 Library, part 2). */
  readonly message: Uint8Array;
  /** TPMT_SIGNATURE (part 2). */
  readonly signature: Uint8Array;
}

export type Reader = ReturnType<typeof readerOf>;

/** What follows the header of a message of this type with this nonce, if a key has signed it; undefined otherwise. */
export function attestedBody(
  { message, signature }: Attestation,
  type: number,
  point: Uint8Array,
  nonce: Uint8Array,
): Reader | undefined {
  const signed = signatureOf(signature);
  try {
    if (signed === undefined || !p256.verify(signed, message, point, { lowS: false })) return undefined;
  } catch {
    return undefined;
  }
  const reader = readerOf(message);
  if (reader.number(4) !== GENERATED || reader.number(2) !== type) return undefined;
  reader.sized(); // qualifiedSigner
  const extraData = reader.sized();
  reader.number(4); // clockInfo: clock, resetCount, restartCount, safe
  reader.number(4);
  reader.number(4);
  reader.number(4);
  reader.number(1);
  reader.number(4); // firmwareVersion
  reader.number(4);
  return extraData !== undefined && isSame(extraData, nonce) ? reader : undefined;
}

export const isSame = (one: Uint8Array, other: Uint8Array): boolean =>
  one.length === other.length && one.every((byte, at) => byte === other[at]);

/** A key's DER, its point on P-256, and its fingerprint; undefined for another kind of key. */
export function attestationKey(
  pem: string,
): { readonly point: Uint8Array; readonly fingerprint: Uint8Array } | undefined {
  const spki = derOf(pem);
  const point = spki?.subarray(-65);
  return spki !== undefined && point?.[0] === 4 ? { point, fingerprint: sha256(spki) } : undefined;
}

/** r and s, 32 bytes each. */
function signatureOf(bytes: Uint8Array): Uint8Array | undefined {
  const reader = readerOf(bytes);
  if (reader.number(2) !== ALG_ECDSA || reader.number(2) !== ALG_SHA256) return undefined;
  const [r, s] = [reader.sized(), reader.sized()];
  if (r === undefined || s === undefined || r.length > 32 || s.length > 32 || !reader.ended()) return undefined;
  const out = new Uint8Array(64);
  out.set(r, 32 - r.length);
  out.set(s, 64 - s.length);
  return out;
}

/** Big-endian fields one after the other; once one is not there, none is. */
export function readerOf(bytes: Uint8Array) {
  let at = 0;
  let broken = false;
  const take = (length: number): Uint8Array | undefined => {
    if (broken || length < 0 || at + length > bytes.length) {
      broken = true;
      return undefined;
    }
    at += length;
    return bytes.subarray(at - length, at);
  };
  const number = (length: 1 | 2 | 4): number | undefined =>
    take(length)?.reduce((value, byte) => value * 256 + byte, 0);
  return { take, number, sized: () => take(number(2) ?? -1), ended: () => !broken && at === bytes.length };
}

function derOf(pem: string): Uint8Array | undefined {
  const body = /^-----BEGIN PUBLIC KEY-----\s+([A-Za-z0-9+/=\s]{1,400})-----END PUBLIC KEY-----\s*$/.exec(pem)?.[1];
  if (body === undefined) return undefined;
  try {
    return Uint8Array.from(atob(body.replace(/\s/g, '')), (char) => char.charCodeAt(0));
  } catch {
    return undefined;
  }
}
