import { sha256 } from '@noble/hashes/sha2.js';
import { utf8ToBytes } from '@noble/hashes/utils.js';
import type { Measurement } from './claims.ts';

/** 32 bytes that stand for what an enclave is. */
export function measurementDigest({ bundle, filter, node, libraries, command, level }: Measurement): Uint8Array {
  const hash = sha256.create();
  for (const part of [bundle, filter, node, libraries]) hash.update(part);
  return hash.update(utf8ToBytes(JSON.stringify([command, level]))).digest();
}
