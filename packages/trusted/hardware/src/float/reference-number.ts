/** What the BigInt reference computes with: raw bits taken apart into exact numbers, and the special values. */
export interface Outcome {
  readonly value: bigint;
  readonly flags: number;
}

export interface ReferenceFormat {
  readonly width: number;
  /** Bits of a normal number's significand, with the leading one. */
  readonly precision: number;
  /** The exponent of the largest finite numbers and of the smallest normal one: 2^greatest and 2^least. */
  readonly greatest: number;
  readonly least: number;
}

export const SINGLE: ReferenceFormat = { width: 32, precision: 24, greatest: 127, least: -126 };
export const DOUBLE: ReferenceFormat = { width: 64, precision: 53, greatest: 1023, least: -1022 };

/** (-1)^negative × magnitude × 2^exponent, exactly. A zero keeps its sign. */
export interface Exact {
  readonly kind: 'finite';
  readonly negative: boolean;
  readonly magnitude: bigint;
  readonly exponent: number;
}
export type Ordered = Exact | { readonly kind: 'infinite'; readonly negative: boolean };
export type Decoded = Ordered | { readonly kind: 'nan'; readonly signalling: boolean };

/** IEEE 754-2019 §3.4, binary interchange formats. */
export function decode(format: ReferenceFormat, raw: bigint): Decoded {
  const stored = BigInt(format.precision - 1);
  const negative = raw >> BigInt(format.width - 1) === 1n;
  const fraction = raw % (1n << stored);
  const field = Number((raw >> stored) % (1n << BigInt(format.width - format.precision)));
  if (field === 2 * format.greatest + 1) {
    if (fraction === 0n) return { kind: 'infinite', negative };
    return { kind: 'nan', signalling: fraction < 1n << (stored - 1n) };
  }
  const smallest = format.least - (format.precision - 1);
  if (field === 0) return { kind: 'finite', negative, magnitude: fraction, exponent: smallest };
  return { kind: 'finite', negative, magnitude: fraction + (1n << stored), exponent: smallest + field - 1 };
}

const signBit = (format: ReferenceFormat, negative: boolean): bigint =>
  negative ? 1n << BigInt(format.width - 1) : 0n;

/** The bits of ± significand × 2^exponent, which the format must be able to hold. */
export function encode(format: ReferenceFormat, negative: boolean, significand: bigint, exponent: number): bigint {
  const stored = BigInt(format.precision - 1);
  const field = significand >> stored === 0n ? 0 : exponent + format.precision - 1 - format.least + 1;
  return signBit(format, negative) + (BigInt(field) << stored) + (significand % (1n << stored));
}

export const zero = signBit;

export function infinity(format: ReferenceFormat, negative: boolean): bigint {
  return signBit(format, negative) + (BigInt(2 * format.greatest + 1) << BigInt(format.precision - 1));
}

export function largest(format: ReferenceFormat, negative: boolean): bigint {
  return infinity(format, negative) - 1n;
}

/** Positive, quiet, no other fraction bit (RISC-V, chapter "F", NaN Generation and Propagation). */
export function canonicalNaN(format: ReferenceFormat): bigint {
  return infinity(format, false) + (1n << BigInt(format.precision - 2));
}
