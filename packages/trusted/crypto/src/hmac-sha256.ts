import { sha256 } from './sha256.ts';
import { sha256OfParts } from './sha256-of-parts.ts';

const BLOCK_BYTES = 64;
/** A copy of so much is cheaper than an object to hash it with, which has to be collected again. */
const SHORT_BYTES = 17 * 1024;
const short = new Uint8Array(BLOCK_BYTES + SHORT_BYTES);

/**
 * HMAC-SHA256 (RFC 2104) under one key, of the parts one after the other: H(K ^ opad | H(K ^ ipad | text)), by two hashes. Node's
 * own object for it takes longer, garbage not counted: 2.4 us instead of 1.0 for 64 bytes, 4.6 instead of 3.8 for 4 KiB.
 */
export function hmacSha256(key: Uint8Array): (...parts: readonly Uint8Array[]) => Uint8Array {
  const padded = new Uint8Array(BLOCK_BYTES);
  padded.set(key.length > BLOCK_BYTES ? sha256(key) : key);
  const inner = padded.map((byte) => byte ^ 0x36);
  const outer = new Uint8Array(BLOCK_BYTES + 32);
  outer.set(padded.map((byte) => byte ^ 0x5c));

  return (...parts) => {
    let length = BLOCK_BYTES;
    for (const part of parts) length += part.length;
    outer.set(
      length > short.length ? sha256OfParts([inner, ...parts]) : sha256OfCopy(inner, parts, length),
      BLOCK_BYTES,
    );
    return sha256(outer);
  };
}

function sha256OfCopy(inner: Uint8Array, parts: readonly Uint8Array[], length: number): Uint8Array {
  short.set(inner);
  let at = BLOCK_BYTES;
  for (const part of parts) {
    short.set(part, at);
    at += part.length;
  }
  return sha256(short.subarray(0, length));
}
