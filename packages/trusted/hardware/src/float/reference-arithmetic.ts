import { FLAG, ROUNDING } from './operations.ts';
import {
  canonicalNaN,
  type Decoded,
  decode,
  type Exact,
  infinity,
  type Ordered,
  type Outcome,
  type ReferenceFormat,
  zero,
} from './reference-number.ts';
import { fraction, roundToFormat } from './reference-round.ts';

const exactly = (value: bigint): Outcome => ({ value, flags: 0 });
const invalid = (format: ReferenceFormat): Outcome => ({ value: canonicalNaN(format), flags: FLAG.NV });

/** The outcome when an operand is a NaN, else undefined (IEEE 754-2019 §6.2). */
export function fromNaN(format: ReferenceFormat, ...operands: Decoded[]): Outcome | undefined {
  const nans = operands.filter((operand) => operand.kind === 'nan');
  if (nans.length === 0) return undefined;
  return nans.some((nan) => nan.signalling) ? invalid(format) : exactly(canonicalNaN(format));
}

/** The sum of two exact numbers; a sum of exactly zero takes its sign from IEEE 754-2019 §6.3. */
function sum(format: ReferenceFormat, x: Exact, y: Exact, rm: number): Outcome {
  const exponent = Math.min(x.exponent, y.exponent);
  const signed = (n: Exact): bigint => (n.negative ? -n.magnitude : n.magnitude) << BigInt(n.exponent - exponent);
  const total = signed(x) + signed(y);
  if (total === 0n) return exactly(zero(format, x.negative === y.negative ? x.negative : rm === ROUNDING.RDN));
  return roundToFormat(format, total < 0n, fraction(total < 0n ? -total : total, exponent), rm);
}

function add(format: ReferenceFormat, x: Decoded, y: Decoded, rm: number): Outcome {
  if (x.kind === 'nan' || y.kind === 'nan') return fromNaN(format, x, y)!;
  if (x.kind === 'infinite' && y.kind === 'infinite')
    return x.negative === y.negative ? exactly(infinity(format, x.negative)) : invalid(format);
  if (x.kind === 'infinite') return exactly(infinity(format, x.negative));
  if (y.kind === 'infinite') return exactly(infinity(format, y.negative));
  return sum(format, x, y, rm);
}

const negated = (x: Decoded): Decoded => (x.kind === 'nan' ? x : { ...x, negative: !x.negative });
const isZero = (x: Decoded): boolean => x.kind === 'finite' && x.magnitude === 0n;

/** The exact product, infinite where a factor is; undefined for infinity times zero. */
function product(x: Ordered, y: Ordered): Ordered | undefined {
  const negative = x.negative !== y.negative;
  if (x.kind === 'finite' && y.kind === 'finite')
    return {
      kind: 'finite',
      negative,
      magnitude: x.magnitude * y.magnitude,
      exponent: x.exponent + y.exponent,
    };
  return isZero(x) || isZero(y) ? undefined : { kind: 'infinite', negative };
}

function multiply(format: ReferenceFormat, x: Decoded, y: Decoded, rm: number): Outcome {
  if (x.kind === 'nan' || y.kind === 'nan') return fromNaN(format, x, y)!;
  const exact = product(x, y);
  if (exact === undefined) return invalid(format);
  if (exact.kind !== 'finite') return exactly(infinity(format, x.negative !== y.negative));
  if (exact.magnitude === 0n) return exactly(zero(format, exact.negative));
  return roundToFormat(format, exact.negative, fraction(exact.magnitude, exact.exponent), rm);
}

/** Infinity times zero is invalid even when the addend is a quiet NaN (RISC-V, chapter "F", on FMADD). */
function fusedMultiplyAdd(format: ReferenceFormat, x: Decoded, y: Decoded, z: Decoded, rm: number): Outcome {
  if (x.kind === 'nan' || y.kind === 'nan') return fromNaN(format, x, y, z)!;
  const exact = product(x, y);
  return exact === undefined ? invalid(format) : add(format, exact, z, rm);
}

function divide(format: ReferenceFormat, x: Decoded, y: Decoded, rm: number): Outcome {
  if (x.kind === 'nan' || y.kind === 'nan') return fromNaN(format, x, y)!;
  const negative = x.negative !== y.negative;
  if (x.kind === 'infinite') return y.kind === 'infinite' ? invalid(format) : exactly(infinity(format, negative));
  if (y.kind === 'infinite') return exactly(zero(format, negative));
  if (y.magnitude === 0n)
    return x.magnitude === 0n ? invalid(format) : { value: infinity(format, negative), flags: FLAG.DZ };
  if (x.magnitude === 0n) return exactly(zero(format, negative));
  const { numerator, denominator } = fraction(x.magnitude, x.exponent - y.exponent);
  return roundToFormat(format, negative, { numerator, denominator: denominator * y.magnitude }, rm);
}

/** The integer part of a square root, by Newton's method from above. */
function integerRoot(n: bigint): bigint {
  let root = 1n << BigInt(Math.ceil(n.toString(2).length / 2));
  for (;;) {
    const next = (root + n / root) / 2n;
    if (next >= root) return root;
    root = next;
  }
}

function squareRoot(format: ReferenceFormat, x: Decoded, rm: number): Outcome {
  if (x.kind === 'nan') return fromNaN(format, x)!;
  if (x.kind === 'finite' && x.magnitude === 0n) return exactly(zero(format, x.negative));
  if (x.negative) return invalid(format);
  if (x.kind === 'infinite') return exactly(infinity(format, false));
  // The root of magnitude × 2^(even + shift), cut to more bits than any rounding boundary has. What was cut counts as
  // half of the last bit: on the same side of every boundary as the true root, which is on none of them.
  const shift = 2 * format.precision + 4 + (Math.abs(x.exponent) % 2);
  const scaled = x.magnitude << BigInt(shift);
  const root = integerRoot(scaled);
  const exponent = (x.exponent - shift) / 2;
  const value = root * root === scaled ? fraction(root, exponent) : fraction(2n * root + 1n, exponent - 1);
  return roundToFormat(format, false, value, rm);
}

type Arithmetic = (format: ReferenceFormat, args: readonly bigint[], rm: number) => Outcome;

const unary =
  (operation: (format: ReferenceFormat, x: Decoded, rm: number) => Outcome): Arithmetic =>
  (format, [x], rm) =>
    operation(format, decode(format, x!), rm);

const binary =
  (operation: (format: ReferenceFormat, x: Decoded, y: Decoded, rm: number) => Outcome): Arithmetic =>
  (format, [x, y], rm) =>
    operation(format, decode(format, x!), decode(format, y!), rm);

export const ARITHMETIC = {
  add: binary(add),
  sub: binary((format, x, y, rm) => add(format, x, negated(y), rm)),
  mul: binary(multiply),
  div: binary(divide),
  sqrt: unary(squareRoot),
  fma: (format, [x, y, z], rm) =>
    fusedMultiplyAdd(format, decode(format, x!), decode(format, y!), decode(format, z!), rm),
} satisfies Record<string, Arithmetic>;
