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
  /** The same of parts that come one by one; Node keeps none of them. */
  sha256InParts(): { update(part: Uint8Array): void; digest(): Answer<Uint8Array> };
  /** HMAC-SHA256 (RFC 2104) under one key, of the parts one after the other: 32 bytes. */
  hmacSha256(key: Uint8Array): (...parts: readonly Uint8Array[]) => Answer<Uint8Array>;
  /** Keystream of AES-256-CTR (NIST SP 800-38A): `length` bytes from the 16-byte `counter` on. */
  aes256Ctr(key: Uint8Array, counter: Uint8Array, length: number): Answer<Uint8Array>;
  /** AES-256-GMAC (NIST SP 800-38D) under one key: 16 bytes over `message`; a 12-byte `nonce` is never given twice. */
  gmac(key: Uint8Array): (nonce: Uint8Array, message: Uint8Array) => Answer<Uint8Array>;
  /** AES-256-ECB of whole 16-byte blocks: a pseudorandom permutation, for the masks of tags and nothing else. */
  aes256Blocks(key: Uint8Array, blocks: Uint8Array): Answer<Uint8Array>;
  readonly ed25519: {
    /** A new key pair (RFC 8032): `secret` is the 32-byte seed, `public` the 32-byte point. */
    generate(): Answer<{ readonly secret: Uint8Array; readonly public: Uint8Array }>;
    /** 64 bytes. */
    sign(secret: Uint8Array, message: Uint8Array): Answer<Uint8Array>;
    verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): Answer<boolean>;
  };
  /** Powers modulo an odd number of 512 to 10,000 bits, which need not be prime. Making one costs milliseconds. */
  modulus(modulus: Uint8Array): Modulus;
  /** RSA's private operation without padding (RFC 8017, 5.1.2): base^d mod n for a base below n, as long as n. */
  rsaPrivate(key: RsaPrivateKey): (base: Uint8Array) => Answer<Uint8Array>;
  /** A random prime of exactly so many bits; a safe one is twice another prime and one. */
  prime(bits: number, kind: 'any' | 'safe'): Promise<Uint8Array>;
  /** Whether two arrays are equal, in a time that depends on their lengths alone. */
  equal(left: Uint8Array, right: Uint8Array): boolean;
}

/** Numbers are bytes, most significant first. */
export interface Modulus {
  /**
   * base^exponent, as long as the modulus, in a time that depends on the exponent's length alone. The base is below the
   * modulus and as long; the exponent has any length.
   */
  power(base: Uint8Array, exponent: Uint8Array): Answer<Uint8Array>;
}

/** An RSA key in the letters of RFC 7518, section 6.3: n = pq, dp = d mod p-1, dq = d mod q-1, qi = 1/q mod p. */
export interface RsaPrivateKey {
  readonly n: Uint8Array;
  readonly e: Uint8Array;
  readonly d: Uint8Array;
  readonly p: Uint8Array;
  readonly q: Uint8Array;
  readonly dp: Uint8Array;
  readonly dq: Uint8Array;
  readonly qi: Uint8Array;
}
