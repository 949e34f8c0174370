import { ed25519 } from '@noble/curves/ed25519.js';

/** Ed25519, RFC 8032 to the letter: no point of small order, nothing that is not reduced. */
export function isSigned(signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array): boolean {
  try {
    return ed25519.verify(signature, message, publicKey, { zip215: false });
  } catch {
    return false;
  }
}
