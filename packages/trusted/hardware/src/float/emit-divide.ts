import { type Code, call, get, type I64, i32, i64, type Local, ret, set, tee, when } from '../wasm/code.ts';
import type { Format } from './emit-format.ts';
import { isPlain } from './emit-multiply.ts';
import {
  type Emission,
  hardwareMode,
  invalid,
  magnitude,
  normalizeAndRound,
  type Reference,
  raise,
  unpack,
} from './emit-round.ts';
import { FLAG } from './operations.ts';

/**
 * Division. The hardware's quotient of the two significands is the nearest representable one, and the remainder, which
 * is less than the divisor and so exact modulo 2^64, tells on which side of it the true quotient lies.
 */
export function defineDivision(emission: Emission, div: Reference): void {
  const { module, format, flagsAddress, nan } = emission;
  const exact = module.declare(`${format.name}.div.exact`, ['i64', 'i64', 'i32'], 'i64');
  module.define(div, (scope) => {
    const [a, b] = [scope.parameter(0, 'i64'), scope.parameter(1, 'i64')];
    const rm = scope.parameter(2, 'i32');
    const result = scope.local('i64');
    return [
      when(hardwareMode(flagsAddress, rm), [
        when(isPlain(format, tee(result, format.hardware.div(a, b))), [ret(result)]),
      ]),
      call(exact, a, b, rm),
    ];
  });
  module.define(exact, (scope) => {
    const [a, b] = [scope.parameter(0, 'i64'), scope.parameter(1, 'i64')];
    const rm = scope.parameter(2, 'i32');
    const local = () => scope.local('i64');
    const [x, y, sign, exponent, otherExponent, dividend, divisor, quotient] = [
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
    const between1And2 = (significand: I64): I64 =>
      i64.add(significand, i64.const(BigInt(format.bias - 1) * format.leading));
    return [
      set(x, magnitude(format, a)),
      set(y, magnitude(format, b)),
      set(sign, i64.and(i64.xor(a, b), i64.const(format.sign))),
      when(i32.or(i64.ge_u(x, infinity), i64.ge_u(y, infinity)), [
        when(i32.or(i64.gt_u(x, infinity), i64.gt_u(y, infinity)), [ret(call(nan, a, b))]),
        when(i64.eq(x, infinity), [when(i64.eq(y, infinity), invalid(emission)), ret(i64.or(sign, infinity))]),
        ret(sign),
      ]),
      when(i64.eqz(y), [
        when(i64.eqz(x), invalid(emission)),
        raise(flagsAddress, i32.const(FLAG.DZ)),
        ret(i64.or(sign, infinity)),
      ]),
      when(i64.eqz(x), [ret(sign)]),
      ...unpack(format, x, exponent, dividend, quotient),
      ...unpack(format, y, otherExponent, divisor, quotient),
      set(quotient, format.hardware.div(between1And2(dividend), between1And2(divisor))),
      set(exponent, i64.sub(exponent, otherExponent)),
      ...hardwareSignificand(format, quotient, exponent, (significand, field) =>
        i64.sub(
          i64.shl(dividend, i64.sub(i64.const(format.bias + format.fractionBits), field)),
          i64.mul(significand, divisor),
        ),
      ),
      normalizeAndRound(emission, scope, sign, exponent, quotient, rm),
    ];
  });
}

/** The square root, from the hardware's root of the significand and its remainder, as in division. */
export function defineSquareRoot(emission: Emission, sqrt: Reference): void {
  const { module, format, flagsAddress, nan } = emission;
  const exact = module.declare(`${format.name}.sqrt.exact`, ['i64', 'i32'], 'i64');
  module.define(sqrt, (scope) => {
    const a = scope.parameter(0, 'i64');
    const rm = scope.parameter(1, 'i32');
    const result = scope.local('i64');
    return [
      // A root neither overflows nor underflows, so only a NaN and infinity need a closer look.
      when(hardwareMode(flagsAddress, rm), [
        when(i64.lt_u(magnitude(format, tee(result, format.hardware.sqrt(a))), i64.const(format.infinity)), [
          ret(result),
        ]),
      ]),
      call(exact, a, rm),
    ];
  });
  module.define(exact, (scope) => {
    const a = scope.parameter(0, 'i64');
    const rm = scope.parameter(1, 'i32');
    const local = () => scope.local('i64');
    const [exponent, radicand, odd, root] = [local(), local(), local(), local()];
    return [
      when(i64.gt_u(magnitude(format, a), i64.const(format.infinity)), [ret(call(nan, a, a))]),
      when(i64.eqz(magnitude(format, a)), [ret(a)]),
      when(i64.ne(i64.and(a, i64.const(format.sign)), i64.const(0)), invalid(emission)),
      when(i64.eq(a, i64.const(format.infinity)), [ret(a)]),
      ...unpack(format, a, exponent, radicand, odd),
      // The bias is odd: an even exponent field is an odd power, of which one factor 2 goes into the radicand.
      set(odd, i64.and(i64.add(exponent, i64.const(1)), i64.const(1))),
      set(
        root,
        format.hardware.sqrt(
          i64.add(radicand, i64.shl(i64.add(odd, i64.const(format.bias - 1)), i64.const(format.fractionBits))),
        ),
      ),
      set(exponent, i64.shr_s(i64.sub(i64.sub(exponent, odd), i64.const(format.bias)), i64.const(1))),
      ...hardwareSignificand(format, root, exponent, (significand) =>
        i64.sub(i64.shl(radicand, i64.add(odd, i64.const(format.fractionBits))), i64.mul(significand, significand)),
      ),
      normalizeAndRound(emission, scope, i64.const(0), exponent, root, rm),
    ];
  });
}

/**
 * Turns the hardware's positive, normal result into a significand at bit 62 that is one less or one more where the true
 * result is less or more, and adds its exponent field to `exponent`. The hardware's result is nearest: no boundary of
 * rounding lies between.
 */
function hardwareSignificand(
  format: Format,
  result: Local<'i64'>,
  exponent: Local<'i64'>,
  remainder: (significand: I64, field: I64) => I64,
): Code[] {
  const field = i64.shr_u(get(result), i64.const(format.fractionBits));
  const significand = i64.or(i64.and(get(result), i64.const(format.fraction)), i64.const(format.leading));
  const rest = remainder(significand, field);
  const side = i64.sub(i64.extend_i32_u(i64.gt_s(rest, i64.const(0))), i64.extend_i32_u(i64.lt_s(rest, i64.const(0))));
  return [
    set(exponent, i64.add(get(exponent), field)),
    set(result, i64.add(i64.shl(significand, i64.const(format.extraBits)), side)),
  ];
}
