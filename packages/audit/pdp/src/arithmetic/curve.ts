import mcl from 'mcl-wasm';

export type Scalar = mcl.Fr;
export type G1 = mcl.G1;
export type G2 = mcl.G2;

export const SCALAR_BYTES = 32;
export const G1_BYTES = 48;
export const G2_BYTES = 96;
const GT_BYTES = 576;

// The generators as draft-irtf-cfrg-pairing-friendly-curves, section 4.2.1, has them, compressed.
const GENERATOR_1 = '97f1d3a73197d7942695638c4fa9ac0fc3688c4f9774b905a14e3a3f171bac586c55e83ff97a1aeffb3af00adb22c6bb';
const GENERATOR_2 =
  '93e02b6052719f607dacd3a088274f65596bd0d09920b61ab5da61bbdc7f5049334cf11213945d57e5ac7d055d042b7e024aa2b2f08f0a91260805272dc51051c6e47ad4fa403b02b4510b647ae3d1770bac0326a805bbefd48056c8c121bdb8';
/** RFC 9380, section 3.1: a tag of our own, so that no hash here is one of another protocol. */
export const HASH_TO_CURVE_TAG = 'CLOISTER-PDP-V01-CS01-with-BLS12381G1_XMD:SHA-256_SSWU_RO_';
/** Points that are summed at once; the library copies them to a stack of 1 MiB, 176 bytes a term. */
const SUM_TERMS = 1024;
const CHUNK_BYTES = 32;

/**
 * BLS12-381 (Barreto, Lynn, Scott; Bowe 2017), as much of it as the schemes need, on mcl compiled to WebAssembly.
 *
 * mcl-wasm does not run in constant time: how long a multiplication by a secret scalar takes depends on that scalar. Who can
 * measure the time of many Tags, or of Verifies with the secret key, from the same processor may learn of the key; so these
 * belong into a process of their own, an enclave's or the owner's, that answers no stranger at once. Provers and those
 * who verify with the public key hold no secret, PPPAS's prover aside, whose masks are fresh each time.
 *
 * Encodings: scalars are 32 bytes, most significant first, below the order; points are compressed as ZCash and the IETF
 * have them, 48 and 96 bytes. There is one encoding of each value, and no decoder takes another.
 */
export interface Curve {
  /** The generators of both groups. */
  readonly g1: G1;
  readonly g2: G2;
  scalar: {
    /** From 32 bytes; undefined if they are not below the order. */
    decode(bytes: Uint8Array): Scalar | undefined;
    encode(scalar: Scalar): Uint8Array;
    /** Any number of bytes, least significant first, modulo the order; 48 random ones are as good as uniform. */
    reduce(bytes: Uint8Array): Scalar;
    add(left: Scalar, right: Scalar): Scalar;
    multiply(left: Scalar, right: Scalar): Scalar;
    negate(scalar: Scalar): Scalar;
  };
  /** A point of the group of prime order that is not its identity, or undefined. */
  decodeG1(bytes: Uint8Array): G1 | undefined;
  /** A point of the curve, perhaps outside the group: for a prover, whose answer another one checks, at a quarter of the cost. */
  decodeAnyG1(bytes: Uint8Array): G1 | undefined;
  encodeG1(point: G1): Uint8Array;
  decodeG2(bytes: Uint8Array): G2 | undefined;
  encodeG2(point: G2): Uint8Array;
  /** hash_to_curve of RFC 9380 with SHA-256 (BLS12381G1_XMD:SHA-256_SSWU_RO_). */
  hashToG1(message: Uint8Array): G1;
  add(left: G1, right: G1): G1;
  negate(point: G1): G1;
  multiply(point: G1, scalar: Scalar): G1;
  multiplyG2(point: G2, scalar: Scalar): G2;
  /** The sum of all points, each times its scalar; none make the identity. */
  sum(points: readonly G1[], scalars: readonly Scalar[]): G1;
  equal(left: G1, right: G1): boolean;
  /** e(left, g2) e(right, q), as bytes of which equal ones are equal elements. */
  pairings(left: G1, right: G1, q: G2): Uint8Array;
  /** Whether e(left, g2) = e(right, q). */
  pairingsAgree(left: G1, right: G1, q: G2): boolean;
}

let started: Promise<Curve> | undefined;

/** The curve; the first call compiles the library, in about 20 ms. */
export function curve(): Promise<Curve> {
  started ??= start();
  return started;
}

/** What of the library's C functions has no method. */
interface Raw {
  readonly HEAP8: Int8Array;
  stackSave(): number;
  stackAlloc(length: number): number;
  stackRestore(at: number): void;
  _mclBnG1_setDst(at: number, length: number): number;
}

async function start(): Promise<Curve> {
  await mcl.init(mcl.BLS12_381);
  // Modes of the whole library: ZCash's encoding, RFC 9380, and no check of the group but where this file asks for it.
  mcl.setETHserialization(true);
  mcl.setMapToMode(mcl.IRTF);
  mcl.verifyOrderG1(false);
  mcl.verifyOrderG2(false);
  setHashToCurveTag((mcl as unknown as { readonly mod: Raw }).mod, new TextEncoder().encode(HASH_TO_CURVE_TAG));

  /** The point or scalar that these bytes are the encoding of, and the only one. */
  function decode<T extends mcl.Fr | G1 | G2>(value: T, bytes: Uint8Array, length: number): T | undefined {
    if (bytes.length !== length) return undefined;
    try {
      value.deserialize(bytes);
    } catch {
      return undefined;
    }
    return value.serialize().every((byte, at) => byte === bytes[at]) ? value : undefined;
  }
  const inGroup = <T extends G1 | G2>(point: T | undefined): T | undefined =>
    point !== undefined && !point.isZero() && point.isValidOrder() ? point : undefined;

  const g1 = decode(new mcl.G1(), fromHex(GENERATOR_1), G1_BYTES)!;
  const g2 = decode(new mcl.G2(), fromHex(GENERATOR_2), G2_BYTES)!;
  const preparedG2 = new mcl.PrecomputedG2(g2);
  const radix = littleEndian(new Uint8Array(CHUNK_BYTES + 1).fill(1, CHUNK_BYTES));
  const identity = new mcl.G1();

  const millerLoops = (left: G1, right: G1, q: G2): mcl.GT =>
    mcl.finalExp(mcl.precomputedMillerLoop2mixed(right, q, left, preparedG2));

  return {
    g1,
    g2,
    scalar: {
      decode: (bytes) => decode(new mcl.Fr(), bytes, SCALAR_BYTES),
      encode: (scalar) => scalar.serialize(),
      reduce(bytes) {
        let sum = new mcl.Fr();
        for (let at = Math.floor(bytes.length / CHUNK_BYTES) * CHUNK_BYTES; at >= 0; at -= CHUNK_BYTES)
          sum = mcl.add(mcl.mul(sum, radix), littleEndian(bytes.subarray(at, at + CHUNK_BYTES)));
        return sum;
      },
      add: (left, right) => mcl.add(left, right),
      multiply: (left, right) => mcl.mul(left, right),
      negate: (scalar) => mcl.neg(scalar),
    },
    decodeG1: (bytes) => inGroup(decode(new mcl.G1(), bytes, G1_BYTES)),
    decodeAnyG1: (bytes) => decode(new mcl.G1(), bytes, G1_BYTES),
    encodeG1: (point) => point.serialize(),
    decodeG2: (bytes) => inGroup(decode(new mcl.G2(), bytes, G2_BYTES)),
    encodeG2: (point) => point.serialize(),
    hashToG1: (message) => mcl.hashAndMapToG1(message),
    add: (left, right) => mcl.add(left, right),
    negate: (point) => mcl.neg(point),
    // A sum of one term goes the way of the endomorphism, and takes half of the time.
    multiply: (point, scalar) => mcl.mulVec([point], [scalar]),
    multiplyG2: (point, scalar) => mcl.mul(point, scalar),
    sum(points, scalars) {
      let sum = identity;
      for (let at = 0; at < points.length; at += SUM_TERMS)
        sum = mcl.add(sum, mcl.mulVec(points.slice(at, at + SUM_TERMS), scalars.slice(at, at + SUM_TERMS)));
      return sum;
    },
    equal: (left, right) => left.isEqual(right),
    pairings: (left, right, q) => millerLoops(left, right, q).serialize().slice(0, GT_BYTES),
    pairingsAgree: (left, right, q) => millerLoops(left, mcl.neg(right), q).isOne(),
  };
}

function littleEndian(bytes: Uint8Array): Scalar {
  const scalar = new mcl.Fr();
  if (bytes.length > 0) scalar.setLittleEndianMod(bytes);
  return scalar;
}

function setHashToCurveTag(raw: Raw, tag: Uint8Array): void {
  const stack = raw.stackSave();
  const at = raw.stackAlloc(tag.length);
  raw.HEAP8.set(tag, at);
  const failed = raw._mclBnG1_setDst(at, tag.length) !== 0;
  raw.stackRestore(stack);
  if (failed) throw new Error('The curve library takes no tag for hash to curve');
}

const fromHex = (hex: string): Uint8Array =>
  Uint8Array.from({ length: hex.length / 2 }, (_, at) => Number.parseInt(hex.slice(2 * at, 2 * at + 2), 16));
