import type { Primitives } from './primitives.ts';

type Bytes = Uint8Array<ArrayBuffer>;
type Key = Awaited<ReturnType<typeof crypto.subtle.importKey>>;
type Pair = { readonly privateKey: Key; readonly publicKey: Key };

/** What `getRandomValues` gives at once. */
const RANDOM_MAX = 65_536;
/** RFC 8410, section 7: what precedes the seed of an Ed25519 key in PKCS #8. */
const PKCS8_PREFIX = Uint8Array.from(atob('MC4CAQAwBQYDK2VwBCIEIA=='), (char) => char.charCodeAt(0));

/**
 * WebCrypto, in browsers and wherever else it is. It has no modular exponentiation, and BigInt's time tells exponents: the
 * schemes on RSA groups are for Node alone, and throw here.
 */
export const webPrimitives: Primitives = {
  random(length) {
    const out = new Uint8Array(length);
    for (let at = 0; at < length; at += RANDOM_MAX) crypto.getRandomValues(out.subarray(at, at + RANDOM_MAX));
    return out;
  },
  sha256: async (...parts) => new Uint8Array(await crypto.subtle.digest('SHA-256', joined(parts))),
  sha256InParts() {
    // WebCrypto hashes what is there as a whole, and nothing else.
    const parts: Uint8Array[] = [];
    return {
      update: (part) => void parts.push(joined([part])),
      digest: async () => new Uint8Array(await crypto.subtle.digest('SHA-256', joined(parts))),
    };
  },
  hmacSha256(key) {
    const imported = crypto.subtle.importKey('raw', joined([key]), { name: 'HMAC', hash: 'SHA-256' }, false, ['sign']);
    return async (...parts) => new Uint8Array(await crypto.subtle.sign('HMAC', await imported, joined(parts)));
  },
  aes256Ctr: async (key, counter, length) => counterMode(await aesKey(key, 'AES-CTR'), counter, length),
  gmac(key) {
    const imported = aesKey(key, 'AES-GCM');
    return async (nonce, message) => {
      const how = { name: 'AES-GCM', iv: joined([nonce]), additionalData: joined([message]), tagLength: 128 };
      return new Uint8Array(await crypto.subtle.encrypt(how, await imported, new Uint8Array(0)));
    };
  },
  async aes256Blocks(key, blocks) {
    // There is no ECB: the first block of a keystream is the counter, encrypted.
    const imported = await aesKey(key, 'AES-CTR');
    const all = Array.from({ length: blocks.length / 16 }, (_, at) =>
      counterMode(imported, blocks.subarray(at * 16, at * 16 + 16), 16),
    );
    return joined(await Promise.all(all));
  },
  ed25519: {
    async generate() {
      const pair = (await crypto.subtle.generateKey('Ed25519', true, ['sign', 'verify'])) as Pair;
      const secret = new Uint8Array(await crypto.subtle.exportKey('pkcs8', pair.privateKey));
      return {
        secret: secret.subarray(PKCS8_PREFIX.length),
        public: new Uint8Array(await crypto.subtle.exportKey('raw', pair.publicKey)),
      };
    },
    async sign(secret, message) {
      const key = await crypto.subtle.importKey('pkcs8', joined([PKCS8_PREFIX, secret]), 'Ed25519', false, ['sign']);
      return new Uint8Array(await crypto.subtle.sign('Ed25519', key, joined([message])));
    },
    async verify(publicKey, message, signature) {
      const key = await crypto.subtle.importKey('raw', joined([publicKey]), 'Ed25519', false, ['verify']);
      return crypto.subtle.verify('Ed25519', key, joined([signature]), joined([message]));
    },
  },
  modulus: () => notHere(),
  rsaPrivate: () => notHere(),
  prime: async () => notHere(),
  equal(left, right) {
    if (left.length !== right.length) return false;
    let difference = 0;
    for (let at = 0; at < left.length; at += 1) difference |= left[at]! ^ right[at]!;
    return difference === 0;
  },
};

const aesKey = (key: Uint8Array, name: string) =>
  crypto.subtle.importKey('raw', joined([key]), name, false, ['encrypt']);

async function counterMode(
  key: Awaited<ReturnType<typeof aesKey>>,
  counter: Uint8Array,
  length: number,
): Promise<Bytes> {
  const how = { name: 'AES-CTR', counter: joined([counter]), length: 128 };
  return new Uint8Array(await crypto.subtle.encrypt(how, key, new Uint8Array(length)));
}

/** A copy that is nobody else's: WebCrypto takes no shared memory, and reads later. */
function joined(parts: readonly Uint8Array[]): Bytes {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

function notHere(): never {
  throw new Error('This platform has no modular exponentiation in constant time: use a scheme without an RSA group');
}
