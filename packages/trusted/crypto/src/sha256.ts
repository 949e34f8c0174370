import * as crypto from 'node:crypto';

/**
 * SHA-256 (FIPS 180-4). One call where Node has it (20.12 and up), which takes a quarter less for 4 KiB than an object
 * made for it (3.4 against 4.6 us).
 */
export const sha256: (bytes: Uint8Array) => Uint8Array =
  crypto.hash === undefined
    ? (bytes) => crypto.createHash('sha256').update(bytes).digest()
    : (bytes) => crypto.hash('sha256', bytes, 'buffer');
