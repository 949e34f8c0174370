import type { Answer, Modulus, Primitives, RsaPrivateKey } from '@cloister/crypto';
import { record } from '@cloister/protocol';
import { gcd, inverse, numberBytes, numberFrom } from '../arithmetic/modular.ts';
import { type Reduce, reduceBy } from '../arithmetic/reduce-by.ts';
import { bytes, bytesUpTo, encodeRecord } from '../encoding.ts';
import { PdpError } from '../pdp-error.ts';
import type { KeyOptions } from '../scheme.ts';
import type { KeyParts } from './private-keys.ts';

const BITS_DEFAULT = 3072;
/** 2048 bits are worth some 112, and everything else here 128 (NIST SP 800-57, table 2). */
const BITS_MIN = 3072;
const BITS_MIN_INSECURE = 512;
const BITS_MAX = 4096;
/** A prime e of 136 bits is above 2^128, and so above every coefficient. */
const E_BYTES = 17;

/** The group of squares modulo N, as everybody may know it. Numbers are bytes, as long as N. */
export interface RsaGroup {
  /** Of N, and so of a tag. */
  readonly bytes: number;
  readonly modulus: bigint;
  /** g = a^2, of order p'q'. */
  readonly generator: Uint8Array;
  /** Through the platform's constant-time code. */
  power(base: Uint8Array, exponent: Uint8Array): Answer<Uint8Array>;
  multiply(left: Uint8Array, right: Uint8Array): Uint8Array;
  /** 1/value mod N. A value that shares a factor with N has none, and no chance to be met. */
  inverse(value: bigint): bigint;
  /** A number below N from exactly as many bytes as N has; 0 is none. */
  element(bytes: Uint8Array): bigint | undefined;
  toBytes(value: bigint): Uint8Array;
}

/** What the owner knows of it: N = pq with p = 2p'+1 and q = 2q'+1, and ed = 1 mod p'q'. */
export interface RsaOwner extends RsaGroup {
  readonly e: Uint8Array;
  /** base^d, by the Chinese remainder theorem in the platform's code. */
  root(base: Uint8Array): Answer<Uint8Array>;
  /** Makes a long exponent short. */
  readonly reduce: Reduce;
}

const number = bytesUpTo(BITS_MAX / 8);
const PUBLIC = record({ modulus: number, generator: number });
const SECRET = record({
  n: number,
  e: number,
  d: number,
  p: number,
  q: number,
  dp: number,
  dq: number,
  qi: number,
  order: number,
  generator: number,
  digest: bytes(32),
});

/** The parts of a key that are a group, for whoever holds either key. */
export function rsaKeys(primitives: Primitives): KeyParts<RsaOwner, RsaGroup> {
  return {
    generate: (options) => generateRsaGroup(primitives, options),
    openSecret: (parts) => openRsaOwner(primitives, parts),
    openPublic: (parts) => openRsaGroup(primitives, parts),
  };
}

/**
 * A new group. Its numbers are computed with BigInt, secret ones too: once a key, beside a search for primes that takes a
 * random number of seconds. Afterwards they meet constant-time code only.
 *
 * @throws PdpError `parameter`
 */
async function generateRsaGroup(
  primitives: Primitives,
  { modulusBits = BITS_DEFAULT, insecure = false, onProgress }: KeyOptions,
): Promise<{ readonly secret: object; readonly public: object }> {
  const least = insecure ? BITS_MIN_INSECURE : BITS_MIN;
  if (!Number.isInteger(modulusBits) || modulusBits < least || modulusBits > BITS_MAX || modulusBits % 64 !== 0)
    throw new PdpError('parameter', `A modulus has ${least} to ${BITS_MAX} bits, in steps of 64, not ${modulusBits}`);
  let found = 0;
  const prime = async (bits: number, kind: 'any' | 'safe'): Promise<bigint> => {
    const bytes = await primitives.prime(bits, kind);
    found += 1;
    onProgress?.(found);
    return numberFrom(bytes);
  };
  const e = await prime(8 * E_BYTES, 'any');
  // Two at once, since each is searched on a thread of its own.
  const [p, q] = await Promise.all([prime(modulusBits / 2, 'safe'), prime(modulusBits / 2, 'safe')]);
  const n = p * q;
  if (p === q || n.toString(2).length !== modulusBits) throw new Error('The platform gave primes that make no modulus');

  const whole = modulusBits / 8;
  const half = whole / 2;
  const d = inverse(e, (p - 1n) * ((q - 1n) / 2n))!;
  const generator = numberBytes(generatorOf(primitives, n), whole);
  const secret = {
    n: numberBytes(n, whole),
    e: numberBytes(e, E_BYTES),
    d: numberBytes(d, whole),
    p: numberBytes(p, half),
    q: numberBytes(q, half),
    dp: numberBytes(d % (p - 1n), half),
    dq: numberBytes(d % (q - 1n), half),
    qi: numberBytes(inverse(q, p)!, half),
    order: numberBytes(((p - 1n) / 2n) * ((q - 1n) / 2n), whole),
    generator,
  };
  return {
    secret: { ...secret, digest: await primitives.sha256(encodeRecord(secret)) },
    public: { modulus: numberBytes(n, whole), generator },
  };
}

/** g = a^2 with a and a+-1 prime to N: no square of a smaller order has such a root. */
function generatorOf({ random }: Primitives, n: bigint): bigint {
  for (;;) {
    const a = numberFrom(random(n.toString(16).length / 2 + 16)) % n;
    if (a > 1n && gcd(a * (a - 1n) * (a + 1n), n) === 1n) return (a * a) % n;
  }
}

/** A group from a public key's record, or undefined. */
function openRsaGroup(primitives: Primitives, parts: unknown): RsaGroup | undefined {
  return PUBLIC(parts) ? openGroup(primitives, parts.modulus, parts.generator) : undefined;
}

/** A group from a secret key's record, or undefined; a digest says whether all of it is what was made. */
async function openRsaOwner(primitives: Primitives, parts: unknown): Promise<RsaOwner | undefined> {
  if (!SECRET(parts) || !hasLengths(parts)) return undefined;
  const { digest, ...secret } = parts;
  if (!primitives.equal(digest, await primitives.sha256(encodeRecord(secret)))) return undefined;
  const { generator, order, ...key } = secret;
  const group = openGroup(primitives, key.n, generator);
  if (group === undefined) return undefined;
  // Only Tag has a use for each of these, and they take milliseconds to make.
  let root: RsaOwner['root'] | undefined;
  let reduce: Reduce | undefined;
  return {
    ...group,
    e: parts.e,
    root(base) {
      root ??= primitives.rsaPrivate(key);
      return root(base);
    },
    reduce(exponent) {
      reduce ??= reduceBy(order);
      return reduce(exponent);
    },
  };
}

function hasLengths(parts: RsaPrivateKey & { readonly order: Uint8Array }): boolean {
  const { n, e, d, p, q, dp, dq, qi, order } = parts;
  return (
    [d, order].every(({ length }) => length === n.length) &&
    [p, q, dp, dq, qi].every(({ length }) => 2 * length === n.length) &&
    [e, p, q, order].every((odd) => isOdd(odd)) &&
    e.length === E_BYTES
  );
}

function openGroup(primitives: Primitives, modulus: Uint8Array, generator: Uint8Array): RsaGroup | undefined {
  const bytes = modulus.length;
  const bits = 8 * bytes;
  if (bits < BITS_MIN_INSECURE || bits % 64 !== 0 || modulus[0]! < 0x80 || !isOdd(modulus)) return undefined;
  const n = numberFrom(modulus);
  const element = (encoded: Uint8Array): bigint | undefined => {
    if (encoded.length !== bytes) return undefined;
    const value = numberFrom(encoded);
    return value > 0n && value < n ? value : undefined;
  };
  const g = element(generator);
  if (g === undefined || g === 1n || g === n - 1n) return undefined;
  let powers: Modulus | undefined;
  return {
    bytes,
    modulus: n,
    generator,
    element,
    multiply: (left, right) => numberBytes((numberFrom(left) * numberFrom(right)) % n, bytes),
    inverse: (value) => inverse(value, n) ?? 0n,
    toBytes: (value) => numberBytes(value, bytes),
    power(base, exponent) {
      powers ??= primitives.modulus(modulus);
      return powers.power(base, exponent);
    },
  };
}

const isOdd = (bytes: Uint8Array): boolean => ((bytes.at(-1) ?? 0) & 1) === 1;
