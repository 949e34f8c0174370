import type { Primitives } from '@cloister/crypto';
import { ascii, joined } from '../encoding.ts';

const VALUE_BYTES = 32;
export const SEALED_BYTES = 2 * VALUE_BYTES;

/** Authenticated encryption of 32 bytes under a header that is not sent. */
export interface DeterministicEncryption {
  seal(header: Uint8Array, value: Uint8Array): Promise<Uint8Array>;
  /** The value, or undefined for what was not sealed under this header. */
  open(header: Uint8Array, sealed: Uint8Array): Promise<Uint8Array<ArrayBuffer> | undefined>;
}

/**
 * The SIV construction (Rogaway and Shrimpton, Eurocrypt 2006) over HMAC-SHA256: a synthetic IV that authenticates header and value, and
 * the value masked by a function of the IV. It needs no nonce, so that rolled-back state cannot repeat one: the same header and value
 * give the same bytes, and that is all it tells. A header is of one length for a key.
 */
export async function deterministicEncryption(
  primitives: Primitives,
  key: Uint8Array,
): Promise<DeterministicEncryption> {
  const keyed = primitives.hmacSha256(key);
  const authenticate = primitives.hmacSha256(await keyed(ascii('authenticate')));
  const mask = primitives.hmacSha256(await keyed(ascii('mask')));
  const masked = async (iv: Uint8Array, value: Uint8Array): Promise<Uint8Array<ArrayBuffer>> => {
    const pad = await mask(iv);
    return Uint8Array.from(value, (byte, at) => byte ^ pad[at]!);
  };
  return {
    async seal(header, value) {
      const iv = await authenticate(header, value);
      return joined([iv, await masked(iv, value)]);
    },
    async open(header, sealed) {
      if (sealed.length !== SEALED_BYTES) return undefined;
      const iv = sealed.subarray(0, VALUE_BYTES);
      const value = await masked(iv, sealed.subarray(VALUE_BYTES));
      return primitives.equal(await authenticate(header, value), iv) ? value : undefined;
    },
  };
}
