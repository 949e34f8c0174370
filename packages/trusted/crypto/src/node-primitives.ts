import {
  createCipheriv,
  createHash,
  createPrivateKey,
  createPublicKey,
  createSecretKey,
  generateKeyPairSync,
  randomBytes,
  sign,
  timingSafeEqual,
  verify,
} from 'node:crypto';
import { hmacSha256 } from './hmac-sha256.ts';
import { nodeModulus, nodePrime, nodeRsaPrivate } from './node-modular.ts';
import type { Primitives } from './primitives.ts';
import { sha256 } from './sha256.ts';
import { sha256OfParts } from './sha256-of-parts.ts';

// RFC 8410, sections 4 and 7: what precedes the 32 bytes of an Ed25519 key in SubjectPublicKeyInfo and in PKCS #8.
const SPKI_PREFIX = Buffer.from('302a300506032b6570032100', 'hex');
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex');

/** OpenSSL through node:crypto. */
export const nodePrimitives: Primitives = {
  random: (length) => randomBytes(length),
  sha256: (...parts) => (parts.length === 1 ? sha256(parts[0]!) : sha256OfParts(parts)),
  sha256InParts() {
    const hash = createHash('sha256');
    return { update: (part) => void hash.update(part), digest: () => hash.digest() };
  },
  hmacSha256,
  aes256Ctr: (key, counter, length) => createCipheriv('aes-256-ctr', key, counter).update(new Uint8Array(length)),
  gmac(key) {
    const secret = createSecretKey(key);
    return (nonce, message) => {
      const cipher = createCipheriv('aes-256-gcm', secret, nonce);
      cipher.setAAD(message);
      cipher.final();
      return cipher.getAuthTag();
    };
  },
  aes256Blocks: (key, blocks) => createCipheriv('aes-256-ecb', key, null).setAutoPadding(false).update(blocks),
  ed25519: {
    generate() {
      const pair = generateKeyPairSync('ed25519');
      return {
        secret: pair.privateKey.export({ format: 'der', type: 'pkcs8' }).subarray(PKCS8_PREFIX.length),
        public: pair.publicKey.export({ format: 'der', type: 'spki' }).subarray(SPKI_PREFIX.length),
      };
    },
    sign: (secret, message) =>
      sign(
        null,
        message,
        createPrivateKey({ key: Buffer.concat([PKCS8_PREFIX, secret]), format: 'der', type: 'pkcs8' }),
      ),
    verify: (publicKey, message, signature) =>
      verify(
        null,
        message,
        createPublicKey({ key: Buffer.concat([SPKI_PREFIX, publicKey]), format: 'der', type: 'spki' }),
        signature,
      ),
  },
  modulus: nodeModulus,
  rsaPrivate: nodeRsaPrivate,
  prime: nodePrime,
  equal: (left, right) => left.length === right.length && timingSafeEqual(left, right),
};
