import { aes256Gcm, KEY_BYTES, NONCE_BYTES } from '@cloister/crypto';
import { SEALED_FRAME_BYTES } from '@cloister/protocol';
import { structureOf } from '../little-endian.ts';

/**
 * Seals frames that leave the machine, under a key of this run that never leaves it. Frame and version are the nonce, so both are bound without more, and none comes twice: versions only grow. The same
 * bytes at the same address leave as others each time.
 */
export function createFrameSeal(random: (length: number) => Uint8Array) {
  const gcm = aes256Gcm(random(KEY_BYTES));
  const nonceOf = (frame: number, version: number): Uint8Array =>
    structureOf(NONCE_BYTES, [
      [0, 4, frame],
      [4, 8, version],
    ]);
  return {
    /** The bytes of a frame as they leave for the `version`-th time, from 1. */
    seal(frame: number, version: number, bytes: Uint8Array): Uint8Array {
      const out = new Uint8Array(SEALED_FRAME_BYTES);
      gcm.seal(nonceOf(frame, version), bytes, out);
      return out;
    },
    /** What left; undefined for any other bytes, frame or version. */
    open: (frame: number, version: number, sealed: Uint8Array): Uint8Array | undefined =>
      gcm.open(nonceOf(frame, version), sealed),
  };
}
export type FrameSeal = ReturnType<typeof createFrameSeal>;
