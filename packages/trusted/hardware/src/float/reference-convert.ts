import { FLAG } from './operations.ts';
import { fromNaN } from './reference-arithmetic.ts';
import { decode, infinity, type Outcome, type ReferenceFormat, zero } from './reference-number.ts';
import { fraction, roundToFormat, roundToInteger } from './reference-round.ts';

type Conversion = (format: ReferenceFormat, args: readonly bigint[], rm: number) => Outcome;

/**
 * To an integer between `least` and `greatest`: what does not fit after rounding is clipped and raises NV instead of
 * NX; a NaN counts as too large (RISC-V, chapter "F", table of domains of float-to-integer conversions).
 */
function toInteger(width: number, least: bigint, greatest: bigint): Conversion {
  const result = (value: bigint, flags: number): Outcome => ({
    value: BigInt.asUintN(64, BigInt.asIntN(width, value)),
    flags,
  });
  return (format, args, rm) => {
    const x = decode(format, args[0]!);
    if (x.kind === 'nan') return result(greatest, FLAG.NV);
    if (x.kind === 'infinite') return result(x.negative ? least : greatest, FLAG.NV);
    const { integer, exact } = roundToInteger(fraction(x.magnitude, x.exponent), x.negative, rm);
    const value = x.negative ? -integer : integer;
    if (value < least) return result(least, FLAG.NV);
    if (value > greatest) return result(greatest, FLAG.NV);
    return result(value, exact ? 0 : FLAG.NX);
  };
}

/** From the low `width` bits of a register. */
function fromInteger(read: (register: bigint) => bigint): Conversion {
  return (format, args, rm) => {
    const value = read(args[0]!);
    if (value === 0n) return { value: zero(format, false), flags: 0 };
    return roundToFormat(format, value < 0n, fraction(value < 0n ? -value : value, 0), rm);
  };
}

export const CONVERSIONS = {
  to_i32: toInteger(32, -(2n ** 31n), 2n ** 31n - 1n),
  to_u32: toInteger(32, 0n, 2n ** 32n - 1n),
  to_i64: toInteger(64, -(2n ** 63n), 2n ** 63n - 1n),
  to_u64: toInteger(64, 0n, 2n ** 64n - 1n),
  from_i32: fromInteger((register) => BigInt.asIntN(32, register)),
  from_u32: fromInteger((register) => BigInt.asUintN(32, register)),
  from_i64: fromInteger((register) => BigInt.asIntN(64, register)),
  from_u64: fromInteger((register) => BigInt.asUintN(64, register)),
} satisfies Record<string, Conversion>;

/** From one format to the other. */
export function convert(from: ReferenceFormat, to: ReferenceFormat, raw: bigint, rm: number): Outcome {
  const x = decode(from, raw);
  if (x.kind === 'nan') return fromNaN(to, x)!;
  if (x.kind === 'infinite') return { value: infinity(to, x.negative), flags: 0 };
  if (x.magnitude === 0n) return { value: zero(to, x.negative), flags: 0 };
  return roundToFormat(to, x.negative, fraction(x.magnitude, x.exponent), rm);
}
