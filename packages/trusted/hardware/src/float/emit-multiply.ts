import { type Code, call, get, type I64, i32, i64, type Local, ret, set, tee, when } from '../wasm/code.ts';
import type { Scope } from '../wasm/module.ts';
import type { Format } from './emit-format.ts';
import {
  type Emission,
  hardwareMode,
  invalid,
  magnitude,
  normalizeAndRound,
  type Reference,
  unpack,
} from './emit-round.ts';

/**
 * Whether the hardware's rounded result is finite and larger than the smallest normal number, so that neither OF nor
 * UF, DZ or NV is due. A result equal to the smallest normal number may be tiny.
 */
export const isPlain = (format: Format, result: I64): ReturnType<typeof i64.lt_u> =>
  i64.lt_u(
    i64.sub(magnitude(format, result), i64.const(format.leading + 1n)),
    i64.const(format.infinity - format.leading - 1n),
  );

/** The low and high halves of the product of two 64-bit numbers, from four products of their halves. */
export function wideProduct(
  scope: Scope,
  x: Local<'i64'>,
  y: Local<'i64'>,
  low: Local<'i64'>,
  high: Local<'i64'>,
): Code[] {
  const half = (value: I64): I64 => i64.and(value, i64.const(0xffff_ffff));
  const top = (value: I64): I64 => i64.shr_u(value, i64.const(32));
  const [lowHigh, highLow] = [scope.local('i64'), scope.local('i64')];
  const middle = i64.add(i64.add(top(i64.mul(half(get(x)), half(get(y)))), half(lowHigh)), half(highLow));
  return [
    set(lowHigh, i64.mul(half(get(x)), top(get(y)))),
    set(highLow, i64.mul(top(get(x)), half(get(y)))),
    set(high, i64.add(i64.add(i64.mul(top(get(x)), top(get(y))), top(middle)), i64.add(top(lowHigh), top(highLow)))),
    set(low, i64.mul(get(x), get(y))),
  ];
}

export function defineMultiplication(emission: Emission, mul: Reference): void {
  const { module, format, flagsAddress } = emission;
  const exact = module.declare(`${format.name}.mul.exact`, ['i64', 'i64', 'i32'], 'i64');
  defineExactMultiplication(emission, exact);
  module.define(mul, (scope) => {
    const [a, b] = [scope.parameter(0, 'i64'), scope.parameter(1, 'i64')];
    const rm = scope.parameter(2, 'i32');
    const result = scope.local('i64');
    return [
      when(hardwareMode(flagsAddress, rm), [
        when(isPlain(format, tee(result, format.hardware.mul(a, b))), [ret(result)]),
      ]),
      call(exact, a, b, rm),
    ];
  });
}

function defineExactMultiplication(emission: Emission, exact: Reference): void {
  const { module, format, nan } = emission;
  module.define(exact, (scope) => {
    const [a, b] = [scope.parameter(0, 'i64'), scope.parameter(1, 'i64')];
    const rm = scope.parameter(2, 'i32');
    const local = () => scope.local('i64');
    const [x, y, sign, exponent, otherExponent, significand, other, low] = [
      local(),
      local(),
      local(),
      local(),
      local(),
      local(),
      local(),
      local(),
    ];
    const infinity = i64.const(format.infinity);
    const someZero = i32.or(i64.eqz(x), i64.eqz(y));
    return [
      set(x, magnitude(format, a)),
      set(y, magnitude(format, b)),
      set(sign, i64.and(i64.xor(a, b), i64.const(format.sign))),
      when(i32.or(i64.ge_u(x, infinity), i64.ge_u(y, infinity)), [
        when(i32.or(i64.gt_u(x, infinity), i64.gt_u(y, infinity)), [ret(call(nan, a, b))]),
        when(someZero, invalid(emission)),
        ret(i64.or(sign, infinity)),
      ]),
      when(someZero, [ret(sign)]),
      ...unpack(format, x, exponent, significand, low),
      ...unpack(format, y, otherExponent, other, low),
      // The product of two leading ones comes to bit 61 or 62.
      ...(format.fractionBits > 30
        ? [
            set(x, i64.shl(significand, i64.const(62 - format.fractionBits))),
            set(y, i64.shl(other, i64.const(63 - format.fractionBits))),
            ...wideProduct(scope, x, y, low, significand),
            set(significand, i64.or(significand, i64.extend_i32_u(i64.ne(low, i64.const(0))))),
          ]
        : [set(significand, i64.shl(i64.mul(significand, other), i64.const(61 - 2 * format.fractionBits)))]),
      normalizeAndRound(
        emission,
        scope,
        sign,
        i64.add(i64.add(exponent, otherExponent), i64.const(1 - format.bias)),
        significand,
        rm,
      ),
    ];
  });
}
