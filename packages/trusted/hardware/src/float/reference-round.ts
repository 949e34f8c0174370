import { FLAG, ROUNDING } from './operations.ts';
import { encode, infinity, largest, type Outcome, type ReferenceFormat } from './reference-number.ts';

/** A positive fraction. */
export interface Fraction {
  readonly numerator: bigint;
  readonly denominator: bigint;
}

/** magnitude × 2^exponent. */
export function fraction(magnitude: bigint, exponent: number): Fraction {
  return exponent >= 0
    ? { numerator: magnitude << BigInt(exponent), denominator: 1n }
    : { numerator: magnitude, denominator: 1n << BigInt(-exponent) };
}

/** The magnitude of ± numerator/denominator as an integer (IEEE 754-2019 §4.3). */
export function roundToInteger(
  { numerator, denominator }: Fraction,
  negative: boolean,
  rm: number,
): { integer: bigint; exact: boolean } {
  const floor = numerator / denominator;
  const rest = numerator % denominator;
  if (rest === 0n) return { integer: floor, exact: true };
  const twice = 2n * rest;
  const up = (): boolean => {
    switch (rm) {
      case ROUNDING.RNE:
        return twice > denominator || (twice === denominator && floor % 2n === 1n);
      case ROUNDING.RTZ:
        return false;
      case ROUNDING.RDN:
        return negative;
      case ROUNDING.RUP:
        return !negative;
      case ROUNDING.RMM:
        return twice >= denominator;
      default:
        throw new Error(`Rounding mode ${rm} is not static`);
    }
  };
  return { integer: up() ? floor + 1n : floor, exact: false };
}

/** The exponent k with 2^k <= value < 2^(k+1). */
function binaryExponent({ numerator, denominator }: Fraction): number {
  const length = (n: bigint): number => n.toString(2).length;
  const guess = length(numerator) - length(denominator);
  const { numerator: power, denominator: unit } = fraction(1n, guess);
  return numerator * unit >= power * denominator ? guess : guess - 1;
}

const scale = (value: Fraction, exponent: number): Fraction => {
  const factor = fraction(1n, exponent);
  return { numerator: value.numerator * factor.numerator, denominator: value.denominator * factor.denominator };
};

/**
 * The one rounding of every operation: ± value, which is not zero, in the format. Underflow needs tininess after
 * rounding (RISC-V, chapter "F", Subnormal Arithmetic): the result rounded as if exponents had no lower bound.
 */
export function roundToFormat(format: ReferenceFormat, negative: boolean, value: Fraction, rm: number): Outcome {
  const exponent = binaryExponent(value);
  const unbounded = exponent - (format.precision - 1);
  const quantum = Math.max(unbounded, format.least - (format.precision - 1));
  const { integer, exact } = roundToInteger(scale(value, -quantum), negative, rm);
  const carried = integer === 1n << BigInt(format.precision);
  const [significand, power] = carried ? [integer / 2n, quantum + 1] : [integer, quantum];
  if (power + format.precision - 1 > format.greatest) {
    const away = rm === ROUNDING.RNE || rm === ROUNDING.RMM || rm === (negative ? ROUNDING.RDN : ROUNDING.RUP);
    return { value: (away ? infinity : largest)(format, negative), flags: FLAG.OF | FLAG.NX };
  }
  const bits = encode(format, negative, significand, power);
  if (exact) return { value: bits, flags: 0 };
  const free = roundToInteger(scale(value, -unbounded), negative, rm).integer;
  const reached = free === 1n << BigInt(format.precision) ? exponent + 1 : exponent;
  return { value: bits, flags: reached < format.least ? FLAG.NX | FLAG.UF : FLAG.NX };
}
