import { createHash, verify } from 'node:crypto';
import { type PublicKey, takeInteger } from './public-key.ts';

/** A version 4 signature (RFC 4880, 5.2.3). Times in seconds. */
export interface Signature {
  readonly type: number;
  readonly created: number;
  /** Seconds after `created`; undefined: never. */
  readonly expiresAfter: number | undefined;
  /** Of the key that is certified or bound, seconds after its creation; undefined: never. */
  readonly keyExpiresAfter: number | undefined;
  /** Undefined where the signature names no flags. */
  readonly keyFlags: number | undefined;
  readonly issuerFingerprint: string | undefined;
  /** Upper-case hex of the last 8 bytes of the issuer's fingerprint. */
  readonly issuerId: string | undefined;
  /** The embedded back-signature of a subkey (5.2.3.26). */
  readonly embedded: Uint8Array | undefined;
  readonly algorithm: number;
  readonly hash: 'sha256' | 'sha384' | 'sha512';
  readonly hashedPart: Uint8Array;
  readonly check: Uint8Array;
  readonly material: Uint8Array;
}

const HASHES: Readonly<Record<number, Signature['hash']>> = { 8: 'sha256', 9: 'sha384', 10: 'sha512' };

/** Subpackets that are understood here; another one marked critical makes the signature invalid (5.2.3.1). */
const UNDERSTOOD = new Set([2, 3, 4, 7, 9, 11, 16, 20, 21, 22, 23, 24, 25, 26, 27, 28, 30, 32, 33, 34]);

/** Decodes a signature packet's body; `undefined` for what is damaged or not read here (SHA-1, other versions). */
export function signatureOf(body: Uint8Array): Signature | undefined {
  if (body.length < 10 || body[0] !== 4) return undefined;
  const hash = HASHES[body[3]!];
  const hashedLength = (body[4]! << 8) + body[5]!;
  const hashedEnd = 6 + hashedLength;
  if (hash === undefined || hashedEnd + 2 > body.length) return undefined;
  const unhashedLength = (body[hashedEnd]! << 8) + body[hashedEnd + 1]!;
  const unhashedEnd = hashedEnd + 2 + unhashedLength;
  if (unhashedEnd + 2 > body.length) return undefined;
  const hashed = subpackets(body.subarray(6, hashedEnd));
  const unhashed = subpackets(body.subarray(hashedEnd + 2, unhashedEnd));
  const created = number(hashed?.get(2));
  if (hashed === undefined || unhashed === undefined || created === undefined) return undefined;
  const issuer = hashed.get(33) ?? unhashed.get(33);
  return {
    type: body[1]!,
    created,
    expiresAfter: number(hashed.get(3)) || undefined,
    keyExpiresAfter: number(hashed.get(9)) || undefined,
    keyFlags: hashed.get(27)?.[0],
    issuerFingerprint: issuer?.[0] === 4 ? hex(issuer.subarray(1)) : undefined,
    issuerId: hex(hashed.get(16) ?? unhashed.get(16)),
    embedded: hashed.get(32) ?? unhashed.get(32),
    algorithm: body[2]!,
    hash,
    hashedPart: body.subarray(0, hashedEnd),
    check: body.subarray(unhashedEnd, unhashedEnd + 2),
    material: body.subarray(unhashedEnd + 2),
  };
}

/** Whether the signature names `key` as its maker. */
export function isIssuedBy(signature: Signature, key: PublicKey): boolean {
  if (signature.issuerFingerprint !== undefined) return signature.issuerFingerprint === key.fingerprint;
  return signature.issuerId === key.fingerprint.slice(-16);
}

/** Whether `key` made this signature over `data` (5.2.4: data, hashed part, trailer). */
export function signatureHolds(signature: Signature, key: PublicKey, data: readonly Uint8Array[]): boolean {
  const trailer = new Uint8Array([4, 0xff, 0, 0, 0, 0]);
  new DataView(trailer.buffer).setUint32(2, signature.hashedPart.length);
  const message = Buffer.concat([...data, signature.hashedPart, trailer]);
  const digest = createHash(signature.hash).update(message).digest();
  if (digest[0] !== signature.check[0] || digest[1] !== signature.check[1]) return false;
  if (key.algorithm === 'rsa') {
    const value =
      signature.algorithm === 1 || signature.algorithm === 3 ? takeInteger(signature.material)?.value : undefined;
    if (value === undefined) return false;
    const size = (key.key.asymmetricKeyDetails?.modulusLength ?? 0) / 8;
    if (value.length > size) return false;
    return verify(signature.hash, message, key.key, Buffer.concat([Buffer.alloc(size - value.length), value]));
  }
  const native =
    signature.algorithm === 27
      ? signature.material
      : signature.algorithm === 22
        ? twoIntegers(signature.material)
        : undefined;
  return native?.length === 64 && verify(null, digest, key.key, native);
}

/** EdDSA's R and S as 32 bytes each: integers lose their leading zeros. */
function twoIntegers(material: Uint8Array): Uint8Array | undefined {
  const r = takeInteger(material);
  const s = r && takeInteger(r.rest);
  if (r === undefined || s === undefined || r.value.length > 32 || s.value.length > 32) return undefined;
  const out = new Uint8Array(64);
  out.set(r.value, 32 - r.value.length);
  out.set(s.value, 64 - s.value.length);
  return out;
}

function subpackets(bytes: Uint8Array): Map<number, Uint8Array> | undefined {
  const out = new Map<number, Uint8Array>();
  let offset = 0;
  while (offset < bytes.length) {
    const first = bytes[offset++]!;
    let length = first;
    if (first === 255) {
      if (offset + 4 > bytes.length) return undefined;
      length = new DataView(bytes.buffer, bytes.byteOffset + offset, 4).getUint32(0);
      offset += 4;
    } else if (first >= 192) length = ((first - 192) << 8) + (bytes[offset++] ?? 0) + 192;
    if (length < 1 || offset + length > bytes.length) return undefined;
    const kind = bytes[offset]! & 0x7f;
    if ((bytes[offset]! & 0x80) !== 0 && !UNDERSTOOD.has(kind)) return undefined;
    out.set(kind, bytes.subarray(offset + 1, offset + length));
    offset += length;
  }
  return out;
}

function number(bytes: Uint8Array | undefined): number | undefined {
  return bytes?.length === 4 ? new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0) : undefined;
}

function hex(bytes: Uint8Array | undefined): string | undefined {
  return bytes === undefined ? undefined : Buffer.from(bytes).toString('hex').toUpperCase();
}
