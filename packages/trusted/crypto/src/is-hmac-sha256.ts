import { createHmac, timingSafeEqual } from 'node:crypto';

/**
 * The first `code.length` bytes of HMAC-SHA256 (RFC 2104, RFC 4868 on cutting it) are `code`; compared in constant time. A
 * machine asks a few times a second, for which Node's own object is quick enough, and less to trust than `hmac-sha256.ts`.
 */
export function isHmacSha256(key: Uint8Array, bytes: Uint8Array, code: Uint8Array): boolean {
  const whole = createHmac('sha256', key).update(bytes).digest();
  return code.length <= whole.length && timingSafeEqual(whole.subarray(0, code.length), code);
}
