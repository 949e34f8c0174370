export { type Aes256Gcm, aes256Gcm, KEY_BYTES, NONCE_BYTES, TAG_BYTES } from './aes-256-gcm.ts';
export { hpkeOpen, hpkeSeal, x25519Public } from './hpke.ts';
export { isHmacSha256 } from './is-hmac-sha256.ts';
export { nodePrimitives } from './node-primitives.ts';
export type { Answer, Modulus, Primitives, RsaPrivateKey } from './primitives.ts';
export { sha256 } from './sha256.ts';
