import { createHash } from 'node:crypto';
import { bytesOf } from './sha256.ts';

/** SHA-256 (FIPS 180-4) of parts one after the other, of any length. */
export function sha256OfParts(parts: readonly Uint8Array[]): Uint8Array {
  const hashing = createHash('sha256');
  for (const part of parts) hashing.update(part);
  return bytesOf(hashing.digest('binary'));
}
