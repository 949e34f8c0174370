import { createCipheriv, createDecipheriv, createSecretKey } from 'node:crypto';

export const KEY_BYTES = 32;
export const NONCE_BYTES = 12;
export const TAG_BYTES = 16;

const ALGORITHM = 'aes-256-gcm';
const OPTIONS = { authTagLength: TAG_BYTES };

/** AES-256-GCM (NIST SP 800-38D) under one key, which cannot be read back. */
export interface Aes256Gcm {
  /**
   * Stores ciphertext and tag into `out`, which is `TAG_BYTES` longer than `plain`. Who calls never gives a nonce twice:
   * the second would open both texts and let tags be forged.
   */
  seal(nonce: Uint8Array, plain: Uint8Array, out: Uint8Array): void;
  /** The plain bytes, a copy; undefined for anything that `seal` did not make with this nonce. */
  open(nonce: Uint8Array, sealed: Uint8Array): Uint8Array | undefined;
}

/** @throws RangeError for a key that is not `KEY_BYTES` long. */
export function aes256Gcm(key: Uint8Array): Aes256Gcm {
  if (key.length !== KEY_BYTES) throw new RangeError(`A key of ${key.length} bytes, not ${KEY_BYTES}`);
  // As bytes the key is imported anew for each block: 19 us instead of 5 for 4 KiB, on Node 24.
  const secret = createSecretKey(key);
  return {
    seal(nonce, plain, out) {
      const cipher = createCipheriv(ALGORITHM, secret, nonce, OPTIONS);
      out.set(cipher.update(plain));
      cipher.final();
      out.set(cipher.getAuthTag(), plain.length);
    },
    open(nonce, sealed) {
      const length = sealed.length - TAG_BYTES;
      if (length < 0) return undefined;
      const decipher = createDecipheriv(ALGORITHM, secret, nonce, OPTIONS);
      decipher.setAuthTag(sealed.subarray(length));
      const plain = decipher.update(sealed.subarray(0, length));
      try {
        decipher.final();
      } catch {
        return undefined;
      }
      return plain;
    },
  };
}
