import {
  type Code,
  call,
  choose,
  f32,
  f64,
  get,
  type I64,
  i32,
  i64,
  type Local,
  ret,
  select,
  set,
  tee,
  when,
} from '../wasm/code.ts';
import type { Scope } from '../wasm/module.ts';
import { type Format, rawSingle, readSingle } from './emit-format.ts';
import { isPlain, wideProduct } from './emit-multiply.ts';
import {
  type Emission,
  hardwareMode,
  invalid,
  magnitude,
  normalizeAndRound,
  type Reference,
  shiftRightSticky,
  unpack,
} from './emit-round.ts';
import { ROUNDING } from './operations.ts';

/** A fused sum's two terms, in words of 64 bits; `low` is unused where a format's product fits one word. */
interface Terms {
  readonly product: { readonly high: Local<'i64'>; readonly low: Local<'i64'> };
  readonly addend: { readonly high: Local<'i64'>; readonly low: Local<'i64'> };
  /** The distance between the terms' exponents. */
  readonly count: Local<'i64'>;
}

/** Fused multiply-add. The addend's leading one and that of the product's upper bound lie at bit 61 of the high word. */
export function defineFusedMultiplyAdd(emission: Emission, fma: Reference): void {
  const { module, format, nan } = emission;
  const wide = format.fractionBits > 30;
  module.define(fma, (scope) => {
    const [a, b, c] = [scope.parameter(0, 'i64'), scope.parameter(1, 'i64'), scope.parameter(2, 'i64')];
    const rm = scope.parameter(3, 'i32');
    const local = () => scope.local('i64');
    const [x, y, z, sign] = [local(), local(), local(), local()];
    const [exponent, otherExponent, significand, other] = [local(), local(), local(), local()];
    const terms: Terms = {
      product: { high: local(), low: local() },
      addend: { high: local(), low: local() },
      count: local(),
    };
    const infinity = i64.const(format.infinity);
    const unlike = i64.ne(i64.and(i64.xor(sign, c), i64.const(format.sign)), i64.const(0));
    const zero = select(i32.eq(rm, i32.const(ROUNDING.RDN)), i64.const(format.sign), i64.const(0));
    return [
      ...(format.name === 'f32' ? fusedByDouble(emission, scope, [a, b, c], rm) : []),
      set(x, magnitude(format, a)),
      set(y, magnitude(format, b)),
      set(z, magnitude(format, c)),
      set(sign, i64.and(i64.xor(a, b), i64.const(format.sign))),
      when(i32.or(i32.or(i64.ge_u(x, infinity), i64.ge_u(y, infinity)), i64.ge_u(z, infinity)), [
        // Infinity times zero is invalid whatever the addend (RISC-V, chapter "F", on FMADD).
        when(i32.or(i64.eq(x, infinity), i64.eq(y, infinity)), [
          when(i32.or(i64.eqz(x), i64.eqz(y)), invalid(emission)),
        ]),
        when(i32.or(i64.gt_u(x, infinity), i64.gt_u(y, infinity)), [set(a, call(nan, a, b)), ret(call(nan, a, c))]),
        when(i64.gt_u(z, infinity), [ret(call(nan, c, c))]),
        when(i32.or(i64.eq(x, infinity), i64.eq(y, infinity)), [
          when(i32.and(i64.eq(z, infinity), unlike), invalid(emission)),
          ret(i64.or(sign, infinity)),
        ]),
        ret(c),
      ]),
      when(i32.or(i64.eqz(x), i64.eqz(y)), [ret(select(i32.and(i64.eqz(z), unlike), zero, get(c)))]),
      ...unpack(format, x, exponent, significand, terms.count),
      ...unpack(format, y, otherExponent, other, terms.count),
      set(exponent, i64.add(i64.add(exponent, otherExponent), i64.const(1 - format.bias))),
      ...(wide
        ? [
            set(x, i64.shl(significand, i64.const(62 - format.fractionBits))),
            set(y, i64.shl(other, i64.const(62 - format.fractionBits))),
            ...wideProduct(scope, x, y, terms.product.low, terms.product.high),
          ]
        : [set(terms.product.high, i64.shl(i64.mul(significand, other), i64.const(60 - 2 * format.fractionBits)))]),
      ...unpack(format, z, otherExponent, other, terms.count),
      set(terms.addend.high, i64.shl(other, i64.const(format.extraBits - 1))),
      // The exponent of a zero addend only exceeds that of a product below half of the smallest subnormal number, of
      // which nothing but the last, sticky bit counts.
      set(terms.count, i64.sub(otherExponent, exponent)),
      when(
        i64.gt_s(terms.count, i64.const(0)),
        [set(exponent, otherExponent), ...(wide ? shiftWide(terms) : shiftNarrow(terms.product.high, terms.count))],
        [
          set(terms.count, i64.sub(i64.const(0), terms.count)),
          ...(wide ? spreadWide(terms) : shiftNarrow(terms.addend.high, terms.count)),
        ],
      ),
      ...(wide
        ? sumWide(format, terms, sign, unlike, zero, significand)
        : sumNarrow(format, terms, sign, unlike, zero)),
      ...(wide ? normalizeWide(terms, significand, exponent) : [set(significand, terms.product.high)]),
      normalizeAndRound(emission, scope, sign, i64.add(exponent, i64.const(1)), significand, rm),
    ];
  });
}

/**
 * A single's product is exact in a double; its sum with a single rounds to a double, then to a single. Rounding twice is
 * as good as once unless the double lies right between two neighbouring singles: those halfway points are doubles, so
 * in any other case sum and double are on the same side of every one of them. Below the smallest normal single halfway
 * points lie elsewhere, but such results are not plain.
 */
function fusedByDouble({ format, flagsAddress }: Emission, scope: Scope, [a, b, c]: I64[], rm: Local<'i32'>): Code[] {
  const double = scope.local('i64');
  const result = scope.local('i64');
  const promote = (raw: I64) => f64.promote_f32(readSingle(raw));
  const belowSingle = 52 - format.fractionBits;
  return [
    when(hardwareMode(flagsAddress, rm), [
      set(double, i64.reinterpret_f64(f64.add(f64.mul(promote(a!), promote(b!)), promote(c!)))),
      when(
        i64.ne(i64.and(double, i64.const((1n << BigInt(belowSingle)) - 1n)), i64.const(1n << BigInt(belowSingle - 1))),
        [when(isPlain(format, tee(result, rawSingle(f32.demote_f64(f64.reinterpret_i64(double))))), [ret(result)])],
      ),
    ]),
  ];
}

const shiftNarrow = (value: Local<'i64'>, count: Local<'i64'>): Code[] => [set(value, shiftRightSticky(value, count))];

/** Sum or difference of one-word terms, in `product.high`; `sign` becomes the result's. */
function sumNarrow(
  format: Format,
  { product, addend }: Terms,
  sign: Local<'i64'>,
  unlike: Code<'i32'>,
  zero: I64,
): Code[] {
  return [
    when(
      unlike,
      [
        set(product.high, i64.sub(get(product.high), get(addend.high))),
        when(i64.eqz(get(product.high)), [ret(zero)]),
        when(i64.lt_s(get(product.high), i64.const(0)), [
          set(product.high, i64.sub(i64.const(0), get(product.high))),
          set(sign, i64.xor(get(sign), i64.const(format.sign))),
        ]),
      ],
      [set(product.high, i64.add(get(product.high), get(addend.high)))],
    ),
  ];
}

/** The same of two-word terms, in `product`. */
function sumWide(
  format: Format,
  { product, addend }: Terms,
  sign: Local<'i64'>,
  unlike: Code<'i32'>,
  zero: I64,
  scratch: Local<'i64'>,
): Code[] {
  const high = (operation: typeof i64.add, carry: Code<'i32'>): I64 =>
    operation(operation(get(product.high), get(addend.high)), i64.extend_i32_u(carry));
  return [
    when(
      unlike,
      [
        set(product.high, high(i64.sub, i64.lt_u(get(product.low), get(addend.low)))),
        set(product.low, i64.sub(get(product.low), get(addend.low))),
        when(i64.eqz(i64.or(get(product.high), get(product.low))), [ret(zero)]),
        when(i64.lt_s(get(product.high), i64.const(0)), [
          set(product.low, i64.sub(i64.const(0), get(product.low))),
          set(
            product.high,
            i64.sub(i64.sub(i64.const(0), get(product.high)), i64.extend_i32_u(i64.ne(get(product.low), i64.const(0)))),
          ),
          set(sign, i64.xor(get(sign), i64.const(format.sign))),
        ]),
      ],
      [
        set(scratch, i64.add(get(product.low), get(addend.low))),
        set(product.high, high(i64.add, i64.lt_u(get(scratch), get(product.low)))),
        set(product.low, scratch),
      ],
    ),
  ];
}

/** value << (64 - count), which is 0 for count 0. */
const carriedOut = (value: I64, count: I64): I64 =>
  i64.shl(i64.shl(value, i64.const(1)), i64.sub(i64.const(63), count));

/**
 * Shifts the product of two words right by `count`, with a last bit for what falls out. Where all of the low word falls
 * out it adds nothing: the high word is not zero, and makes for that bit or ones above it.
 */
function shiftWide({ product: { high, low }, count }: Terms): Code[] {
  return [
    when(
      i64.lt_u(get(count), i64.const(64)),
      [
        set(
          low,
          i64.or(
            i64.or(carriedOut(get(high), get(count)), i64.shr_u(get(low), get(count))),
            i64.extend_i32_u(i64.ne(carriedOut(get(low), get(count)), i64.const(0))),
          ),
        ),
        set(high, i64.shr_u(get(high), get(count))),
      ],
      [
        set(count, i64.sub(get(count), i64.const(64))),
        set(low, shiftRightSticky(high, count)),
        set(high, i64.const(0)),
      ],
    ),
  ];
}

/** Shifts the addend, which is one word, right by `count` into two. */
function spreadWide({ addend: { high, low }, count }: Terms): Code[] {
  return [
    when(
      i64.lt_u(get(count), i64.const(64)),
      [set(low, carriedOut(get(high), get(count))), set(high, i64.shr_u(get(high), get(count)))],
      [
        set(count, i64.sub(get(count), i64.const(64))),
        set(low, shiftRightSticky(high, count)),
        set(high, i64.const(0)),
      ],
    ),
  ];
}

/** Brings the leading one of the two-word sum to bit 62 of a word whose last bit stands for the rest. */
function normalizeWide(
  { product: { high, low }, count }: Terms,
  significand: Local<'i64'>,
  exponent: Local<'i64'>,
): Code[] {
  return [
    set(
      count,
      choose(
        'i64',
        i64.eqz(get(high)),
        [i64.add(i64.clz(get(low)), i64.const(63))],
        [i64.sub(i64.clz(get(high)), i64.const(1))],
      ),
    ),
    set(exponent, i64.sub(get(exponent), get(count))),
    set(
      significand,
      choose(
        'i64',
        i64.ge_u(get(count), i64.const(64)),
        [i64.shl(get(low), get(count))],
        [
          i64.or(
            i64.or(
              i64.shl(get(high), get(count)),
              i64.shr_u(i64.shr_u(get(low), i64.const(1)), i64.sub(i64.const(63), get(count))),
            ),
            i64.extend_i32_u(i64.ne(i64.shl(get(low), get(count)), i64.const(0))),
          ),
        ],
      ),
    ),
  ];
}
