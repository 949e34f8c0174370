import { createHash, createPublicKey, type KeyObject } from 'node:crypto';

/** A version 4 public key (RFC 4880, 5.5.2), RSA or Ed25519. */
export interface PublicKey {
  /** Upper-case hex. */
  readonly fingerprint: string;
  /** Seconds since 1970. */
  readonly created: number;
  readonly algorithm: 'rsa' | 'ed25519';
  readonly key: KeyObject;
  /** The packet's body, which signatures over keys cover. */
  readonly body: Uint8Array;
}

const ED25519_OID = Buffer.from('2b06010401da470f01', 'hex');

/** Decodes a key packet's body; `undefined` for a version, algorithm or size that is not read here. */
export function publicKeyOf(body: Uint8Array): PublicKey | undefined {
  if (body.length < 8 || body[0] !== 4) return undefined;
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  const created = view.getUint32(1);
  const key = keyOf(body[5]!, body.subarray(6));
  if (key === undefined) return undefined;
  return {
    ...key,
    fingerprint: createHash('sha1').update(keyPrefix(body)).update(body).digest('hex').toUpperCase(),
    created,
    body,
  };
}

/** What precedes a key's body in a hash (RFC 4880, 12.2 and 5.2.4). */
export function keyPrefix(body: Uint8Array): Uint8Array {
  return new Uint8Array([0x99, body.length >> 8, body.length & 0xff]);
}

/** The next multiprecision integer (RFC 4880, 3.2), without leading zeros, and what follows it. */
export function takeInteger(bytes: Uint8Array): { value: Uint8Array; rest: Uint8Array } | undefined {
  if (bytes.length < 2) return undefined;
  const length = ((bytes[0]! << 8) + bytes[1]! + 7) >> 3;
  if (2 + length > bytes.length) return undefined;
  return { value: bytes.subarray(2, 2 + length), rest: bytes.subarray(2 + length) };
}

function keyOf(algorithm: number, material: Uint8Array): Pick<PublicKey, 'algorithm' | 'key'> | undefined {
  try {
    if (algorithm === 1 || algorithm === 3) {
      const modulus = takeInteger(material);
      const exponent = modulus && takeInteger(modulus.rest);
      // Shorter moduli can be factored; longer ones only cost time.
      if (exponent === undefined || modulus!.value.length < 256 || modulus!.value.length > 1024) return undefined;
      const jwk = { kty: 'RSA', n: base64Url(modulus!.value), e: base64Url(exponent.value) };
      return { algorithm: 'rsa', key: createPublicKey({ key: jwk, format: 'jwk' }) };
    }
    if (algorithm === 22 && material[0] === ED25519_OID.length && ED25519_OID.equals(material.subarray(1, 10))) {
      const point = takeInteger(material.subarray(10))?.value;
      if (point?.length !== 33 || point[0] !== 0x40) return undefined;
      return { algorithm: 'ed25519', key: ed25519(point.subarray(1)) };
    }
    // RFC 9580, 5.5.5.9: 32 native bytes.
    if (algorithm === 27 && material.length === 32) return { algorithm: 'ed25519', key: ed25519(material) };
  } catch {
    // A key that OpenSSL refuses is a key that is not read here.
  }
  return undefined;
}

function ed25519(point: Uint8Array): KeyObject {
  return createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: base64Url(point) }, format: 'jwk' });
}

function base64Url(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64url');
}
