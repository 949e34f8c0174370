import { p256 } from '@noble/curves/nist.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { encode } from 'cborg';
import { decodeStrict } from './cose-message.ts';

/** A TPM's statement about the machine's state, made for one receipt. */
export interface TpmQuote {
  /** TPMS_ATTEST (TPM 2.0 Library, part 2). */
  readonly message: Uint8Array;
  /** TPMT_SIGNATURE (part 2). */
  readonly signature: Uint8Array;
  /** The registers' values, as tpm2-tools write them: for tpm2_checkquote. */
  readonly pcrs: Uint8Array;
  /** The attestation key: a SubjectPublicKeyInfo of P-256, in PEM. */
  readonly publicKey: string;
}

export const encodeQuote = (quote: TpmQuote): Uint8Array => encode(new Map(Object.entries(quote)));

export function decodeQuote(bytes: Uint8Array): TpmQuote | undefined {
  const map = decodeStrict(bytes);
  if (!(map instanceof Map) || map.size !== 4) return undefined;
  const [message, signature, pcrs] = ['message', 'signature', 'pcrs'].map((name): unknown => map.get(name));
  const publicKey: unknown = map.get('publicKey');
  return message instanceof Uint8Array &&
    signature instanceof Uint8Array &&
    pcrs instanceof Uint8Array &&
    typeof publicKey === 'string'
    ? { message, signature, pcrs, publicKey }
    : undefined;
}

/** What a quote attests, once it is verified. */
export interface Quoted {
  /** SHA-256 of the registers that it covers. */
  readonly pcrDigest: Uint8Array;
  /** Which they are, as tpm2-tools write them; others may hold the same values. */
  readonly registers: string;
  /** SHA-256 of the attestation key's SubjectPublicKeyInfo: whose TPM it is, its owner must know. */
  readonly attestationKey: Uint8Array;
}

const GENERATED = 0xff54_4347;
const ATTEST_QUOTE = 0x8018;
const ALG_ECDSA = 0x0018;
const ALG_SHA256 = 0x000b;

/** What a quote says, if it was made for these bytes (its nonce is their SHA-256) by the key that it names. */
export function verifyQuote(quote: TpmQuote, about: Uint8Array): Quoted | undefined {
  const spki = derOf(quote.publicKey);
  const point = spki?.subarray(-65);
  const said = attested(quote.message, sha256(about));
  const signature = signatureOf(quote.signature);
  if (spki === undefined || point?.[0] !== 4 || said === undefined || signature === undefined) return undefined;
  try {
    if (!p256.verify(signature, quote.message, point, { lowS: false })) return undefined;
  } catch {
    return undefined;
  }
  return { ...said, attestationKey: sha256(spki) };
}

/** The digest in an attestation of registers that carries the nonce, and which registers they are. */
function attested(message: Uint8Array, nonce: Uint8Array): Omit<Quoted, 'attestationKey'> | undefined {
  const reader = readerOf(message);
  if (reader.number(4) !== GENERATED || reader.number(2) !== ATTEST_QUOTE) return undefined;
  reader.sized(); // qualifiedSigner
  const extraData = reader.sized();
  reader.number(4); // clockInfo: clock, resetCount, restartCount, safe
  reader.number(4);
  reader.number(4);
  reader.number(4);
  reader.number(1);
  reader.number(4); // firmwareVersion
  reader.number(4);
  const selections = reader.number(4);
  if (selections === undefined || selections > 16) return undefined;
  const registers: string[] = [];
  for (let i = 0; i < selections; i += 1) {
    const bank = reader.number(2);
    const bits = reader.take(reader.number(1) ?? -1) ?? new Uint8Array(0);
    const numbers = Array.from({ length: 8 * bits.length }, (_, bit) => bit);
    const selected = numbers.filter((bit) => (bits[bit >> 3]! >> (bit & 7)) & 1);
    registers.push(`${bank === ALG_SHA256 ? 'sha256' : bank}:${selected.join(',')}`);
  }
  const digest = reader.sized();
  const isWhole = reader.ended() && digest?.length === 32 && extraData?.length === nonce.length;
  return isWhole && extraData.every((byte, at) => byte === nonce[at])
    ? { pcrDigest: digest, registers: registers.join('+') }
    : undefined;
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
function readerOf(bytes: Uint8Array) {
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
