/** What a platform answers at once or later: Node's OpenSSL at once, a browser's WebCrypto later. `await` takes both. */
export type Answer<T> = T | Promise<T>;

/**
 * The cryptography that the proofs of possession stand on, so that who uses it need not know the platform. Everything
 * that meets a secret runs in the platform's own constant-time code. A caller's mistake (a key of another length)
 * throws; a value that a peer sent is an argument only after it was decoded.
 */
export interface Primitives {
  /** Bytes from the platform's generator. */
  random(length: number): Uint8Array;
  /** SHA-256 (FIPS 180-4) of the parts one after the other: 32 bytes. */
  sha256(...parts: readonly Uint8Array[]): Answer<Uint8Array>;
  /** The same of parts that come one by one, and need not all be kept. */
  sha256InParts(): { update(part: Uint8Array): void; digest(): Answer<Uint8Array> };
  /** HMAC-SHA256 (RFC 2104) under one key, of the parts one after the other: 32 bytes. */
  hmacSha256(key: Uint8Array): (...parts: readonly Uint8Array[]) => Answer<Uint8Array>;
  /** Keystream of AES-256-CTR (NIST SP 800-38A): `length` bytes from the 16-byte `counter` on. */
  aes256Ctr(key: Uint8Array, counter: Uint8Array, length: number): Answer<Uint8Array>;
  /** AES-256-GMAC (NIST SP 800-38D) under one key: 16 bytes over `message`; a 12-byte `nonce` is never given twice. */
  gmac(key: Uint8Array): (nonce: Uint8Array, message: Uint8Array) => Answer<Uint8Array>;
  /** AES-256-ECB of whole 16-byte blocks: a pseudorandom permutation, for the masks of GMAC and nothing else. */
  aes256Blocks(key: Uint8Array, blocks: Uint8Array): Answer<Uint8Array>;
  readonly ed25519: {
    /** A new key pair (RFC 8032): `secret` is the 32-byte seed, `public` the 32-byte point. */
    generate(): Answer<{ readonly secret: Uint8Array; readonly public: Uint8Array }>;
    /** 64 bytes. */
    sign(secret: Uint8Array, message: Uint8Array): Answer<Uint8Array>;
    verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): Answer<boolean>;
  };
  /** Whether two arrays are equal, in a time that depends on their lengths alone. */
  equal(left: Uint8Array, right: Uint8Array): boolean;
}
