import { aes256Gcm, KEY_BYTES, NONCE_BYTES } from '@cloister/crypto';
import { SEALED_BLOCK_BYTES } from '@cloister/protocol';

/** How a disk's blocks are kept outside the machine. */
export interface BlockSeal {
  /** What a block takes in its store. */
  readonly bytes: number;
  /** Stores the block as it leaves into `out`. Returns its version, which alone opens it: at least 1, none comes twice. */
  seal(plain: Uint8Array, out: Uint8Array): number;
  /** Stores the block that was given this version at the start of `out`; false for any other bytes, where the seal can tell. */
  open(version: number, sealed: Uint8Array, out: Uint8Array): boolean;
}

/**
 * A seal for one disk and one run: its key is made here, and never leaves. The version is the nonce: a counter of this key's seals, which goes up before each and is never set back, so that no
 * nonce comes twice, whatever becomes of a write. A write that is sent again is the same bytes, not sealed anew. Block
 * number and disk need not be bound: each version belongs to the one block whose entry holds it, and each disk has a key.
 */
export function createBlockSeal(random: (length: number) => Uint8Array): BlockSeal {
  const gcm = aes256Gcm(random(KEY_BYTES));
  const nonce = new Uint8Array(NONCE_BYTES);
  const words = new DataView(nonce.buffer);
  const setNonce = (version: number): void => {
    words.setUint32(0, version % 2 ** 32, true);
    words.setUint32(4, Math.floor(version / 2 ** 32), true);
  };
  let last = 0;
  return {
    bytes: SEALED_BLOCK_BYTES,
    seal(plain, out) {
      // 2^53 blocks are 2^65 bytes: the check is cheaper than the argument that nobody lives to see it.
      if (last === Number.MAX_SAFE_INTEGER) throw new RangeError('A key has sealed all that it may');
      last += 1;
      setNonce(last);
      gcm.seal(nonce, plain, out);
      return last;
    },
    open(version, sealed, out) {
      setNonce(version);
      const plain = gcm.open(nonce, sealed);
      if (plain !== undefined) out.set(plain);
      return plain !== undefined;
    },
  };
}
