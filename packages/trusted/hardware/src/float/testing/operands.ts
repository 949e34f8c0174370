import { FLOAT_OPERATIONS, type FloatKey, type FormatName } from '../operations.ts';

/** Operands where floating point goes wrong: every boundary of the formats, and random ones drawn towards them. */

/** A generator of uniform 32-bit numbers, the same for the same seed (xorshift, Marsaglia 2003, with a Weyl sequence). */
export function createRandom(seed: number): () => number {
  let state = (Math.imul(seed, 0x9e3779b1) ^ 0x5bd1e995) >>> 0 || 1;
  let weyl = seed >>> 0;
  const next = (): number => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    weyl = (weyl + 0x61c88647) | 0;
    return (Math.imul(state, 0x2545f491) + (weyl ^ (weyl >>> 15))) >>> 0;
  };
  for (let i = 0; i < 8; i++) next();
  return next;
}

type Random = () => number;

interface Shape {
  readonly exponentBits: number;
  readonly fractionBits: number;
}
const SHAPES: Record<FormatName, Shape> = {
  f32: { exponentBits: 8, fractionBits: 23 },
  f64: { exponentBits: 11, fractionBits: 52 },
};

const below = (random: Random, bound: number): number => Math.floor((random() / 2 ** 32) * bound);
const pick = <T>(random: Random, list: readonly T[]): T => list[below(random, list.length)]!;
const bits64 = (random: Random): bigint => (BigInt(random()) << 32n) | BigInt(random());

/** The formats' boundary values, both signs of each. */
export function specials(format: FormatName): readonly bigint[] {
  const { exponentBits, fractionBits } = SHAPES[format];
  const unit = 1n << BigInt(fractionBits);
  const bias = 2 ** (exponentBits - 1) - 1;
  const infinity = BigInt(2 * bias + 1) * unit;
  const one = BigInt(bias) * unit;
  const power = (exponent: number): bigint => BigInt(bias + exponent) * unit;
  const magnitudes = [
    0n,
    ...[1n, 2n, 3n, unit / 2n, unit - 1n],
    ...[
      unit,
      unit + 1n,
      2n * unit - 1n,
      2n * unit,
      BigInt(fractionBits + 1) * unit,
      BigInt(fractionBits + 2) * unit + 1n,
    ],
    ...[one - 1n, one, one + 1n, one + unit / 2n, one + unit / 2n + 1n, one + unit - 1n],
    ...[power(1), power(1) + unit / 4n, power(-1), power(-1) + 1n, power(-2), one - unit - 1n],
    // The root of the smallest normal number and its like: products and quotients at the edge of underflow.
    ...[power(-bias >> 1), power((-bias + 1) >> 1) - 1n, power(-(fractionBits + 1)), power(-fractionBits) + 1n],
    ...[fractionBits, fractionBits + 1].flatMap((exponent) => [
      power(exponent) - 1n,
      power(exponent),
      power(exponent) + 1n,
    ]),
    ...[31, 32, 63, 64].flatMap((exponent) => [power(exponent) - 1n, power(exponent), power(exponent) + 1n]),
    ...[infinity - unit, infinity - 2n, infinity - 1n, infinity],
    ...[infinity + 1n, infinity + unit / 2n, infinity + unit / 2n + 1n, infinity + unit - 1n],
  ];
  const sign = infinity + unit;
  return magnitudes.flatMap((magnitude) => [magnitude, magnitude + sign]);
}

/** Integers where conversions go wrong: around every power of two and around halfway between doubles, singles. */
export const SPECIAL_INTEGERS: readonly bigint[] = [0, 1, 7, 8, 23, 24, 25, 30, 31, 32, 33, 52, 53, 54, 55, 62, 63, 64]
  .flatMap((exponent) => {
    const power = 1n << BigInt(exponent);
    return [power - 1n, power, power + 1n, power + (power >> 24n), power + (power >> 53n), power + (power >> 24n) + 1n];
  })
  .flatMap((value) => [value, -value])
  .map((value) => BigInt.asUintN(64, value));

/** A fraction with few ones, few zeros, a run of ones, or none of these. */
function fraction(random: Random, width: number): bigint {
  const mask = (1n << BigInt(width)) - 1n;
  const bit = (): bigint => 1n << BigInt(below(random, width));
  switch (below(random, 6)) {
    case 0:
      return bit() ^ (below(random, 2) === 0 ? 0n : bit());
    case 1:
      return mask ^ bit();
    case 2:
      return (bit() - bit()) & mask;
    case 3:
      return below(random, 2) === 0 ? 0n : mask;
    case 4:
      // Low bits zero: products and sums of such are often exact or halfway.
      return (bits64(random) << BigInt(below(random, width))) & mask;
    default:
      return bits64(random) & mask;
  }
}

function assemble(format: FormatName, negative: boolean, exponent: number, fractionField: bigint): bigint {
  const { exponentBits, fractionBits } = SHAPES[format];
  const field = Math.min(Math.max(exponent, 0), 2 ** exponentBits - 1);
  return (
    ((negative ? 1n : 0n) << BigInt(exponentBits + fractionBits)) |
    (BigInt(field) << BigInt(fractionBits)) |
    fractionField
  );
}

const exponentOf = (format: FormatName, raw: bigint): number =>
  Number((raw >> BigInt(SHAPES[format].fractionBits)) & BigInt(2 ** SHAPES[format].exponentBits - 1));

function single(random: Random, format: FormatName, boundary: readonly bigint[]): bigint {
  const { exponentBits, fractionBits } = SHAPES[format];
  const negative = (random() & 1) === 1;
  switch (below(random, 5)) {
    case 0:
      return pick(random, boundary);
    case 1:
      return BigInt.asUintN(exponentBits + fractionBits + 1, bits64(random));
    case 2:
      return assemble(format, negative, below(random, 2 ** exponentBits), fraction(random, fractionBits));
    default: {
      const bias = 2 ** (exponentBits - 1) - 1;
      const near = pick(random, [0, bias, bias, bias, 2 * bias]);
      return assemble(format, negative, near + below(random, 9) - 4, fraction(random, fractionBits));
    }
  }
}

const BOUNDARY = { f32: specials('f32'), f64: specials('f64') };
const bytes = new DataView(new ArrayBuffer(8));

function toNumber(format: FormatName, raw: bigint): number {
  bytes.setBigUint64(0, raw);
  return format === 'f64' ? bytes.getFloat64(0) : bytes.getFloat32(4);
}

function fromNumber(format: FormatName, value: number): bigint {
  bytes.setBigUint64(0, 0n);
  if (format === 'f64') bytes.setFloat64(0, value);
  else bytes.setFloat32(4, value);
  return bytes.getBigUint64(0);
}

/** The value moved by a few units of its last place, or left as it is, and with the sign asked for. */
function nudged(random: Random, format: FormatName, raw: bigint, flip: boolean): bigint {
  const { exponentBits, fractionBits } = SHAPES[format];
  const width = exponentBits + fractionBits;
  const moved = BigInt.asUintN(width, raw) + BigInt(pick(random, [0, 0, 1, -1, 2, -2, 5]));
  const sign = (raw >> BigInt(width)) ^ (flip ? 1n : 0n);
  return (sign << BigInt(width)) | BigInt.asUintN(width, moved);
}

/** A second operand chosen against the first, so that the operation meets a boundary of its own. */
function partner(random: Random, key: FloatKey, format: FormatName, a: bigint): bigint {
  const { exponentBits, fractionBits } = SHAPES[format];
  const bias = 2 ** (exponentBits - 1) - 1;
  const negative = (random() & 1) === 1;
  const edge = pick(random, [1, 1, 0, -fractionBits, 2 * bias, bias]) + below(random, 7) - 3;
  const exponent = exponentOf(format, a);
  if (key.endsWith('.mul') || key.endsWith('.fma'))
    return assemble(format, negative, edge - exponent + bias, fraction(random, fractionBits));
  if (key.endsWith('.div')) {
    // A dividend that is nearly a product makes quotients that are exact or nearly so.
    if (below(random, 3) === 0)
      return nudged(random, format, fromNumber(format, toNumber(format, a) / (1 + below(random, 99))), false);
    return assemble(format, negative, exponent - edge + bias, fraction(random, fractionBits));
  }
  if (below(random, 2) === 0) return nudged(random, format, a, below(random, 4) !== 0);
  const distance = pick(random, [0, 1, 2, fractionBits - 1, fractionBits, fractionBits + 1, fractionBits + 2, 62, 64]);
  return assemble(format, negative, exponent - distance, fraction(random, fractionBits));
}

export function randomOperands(key: FloatKey, random: Random): bigint[] {
  const format: FormatName = key === 'f64.from_f32' ? 'f32' : (key.slice(0, 3) as FormatName);
  const { arity } = FLOAT_OPERATIONS[key];
  if (/\.from_[iu]/.test(key)) {
    const value = below(random, 3) === 0 ? pick(random, SPECIAL_INTEGERS) : bits64(random) >> BigInt(below(random, 64));
    return [BigInt.asUintN(64, below(random, 2) === 0 ? value : -value)];
  }
  if (key === 'f32.from_f64') {
    if (below(random, 3) === 0) return [single(random, 'f64', BOUNDARY.f64)];
    // Around a single, or halfway between two, on the scale of a double; down to subnormal singles.
    const low = pick(random, [0n, 1n, (1n << 28n) - 1n, 1n << 28n, (1n << 28n) + 1n, (1n << 29n) - 1n]);
    const high = (fraction(random, 23) << 29n) | low;
    return [
      assemble(
        'f64',
        (random() & 1) === 1,
        pick(random, [1023, 897, 896, 880, 873, 1150]) + below(random, 7) - 3,
        high,
      ),
    ];
  }
  const boundary = BOUNDARY[format];
  const a = single(random, format, boundary);
  if (/\.to_/.test(key)) {
    if (below(random, 3) === 0) return [a];
    const bias = 2 ** (SHAPES[format].exponentBits - 1) - 1;
    const width = SHAPES[format].fractionBits;
    return [assemble(format, (random() & 1) === 1, bias - 3 + below(random, 70), fraction(random, width))];
  }
  if (arity === 1) return [a];
  const b = below(random, 3) === 0 ? single(random, format, boundary) : partner(random, key, format, a);
  if (arity === 2) return below(random, 2) === 0 ? [a, b] : [b, a];
  const product = fromNumber(format, toNumber(format, a) * toNumber(format, b));
  const c = pick(random, [
    () => single(random, format, boundary),
    () => nudged(random, format, product, true),
    () => nudged(random, format, product, below(random, 2) === 0),
    () => partner(random, 'f64.add', format, product),
  ])();
  return [a, b, c];
}
