import { call, get, type I64, i32, i64, type Local, type None, ret, select, set, tee, when } from '../wasm/code.ts';
import type { Format } from './emit-format.ts';
import {
  type Emission,
  hardwareMode,
  invalid,
  magnitude,
  normalizeAndRound,
  type Reference,
  shiftRightSticky,
} from './emit-round.ts';
import { ROUNDING } from './operations.ts';

/**
 * Addition and subtraction. A sum never underflows: what lies below the smallest normal number is exact. So any finite
 * result of the hardware will do where NX goes without saying.
 */
export function defineAddition(emission: Emission, add: Reference, sub: Reference): void {
  const { module, format, flagsAddress } = emission;
  const exact = module.declare(`${format.name}.add.exact`, ['i64', 'i64', 'i32'], 'i64');
  defineExactAddition(emission, exact);
  for (const [target, hardware, subtracts] of [
    [add, format.hardware.add, false],
    [sub, format.hardware.sub, true],
  ] as const) {
    module.define(target, (scope) => {
      const [a, b] = [scope.parameter(0, 'i64'), scope.parameter(1, 'i64')];
      const rm = scope.parameter(2, 'i32');
      const result = scope.local('i64');
      return [
        when(hardwareMode(flagsAddress, rm), [
          when(i64.lt_u(magnitude(format, tee(result, hardware(a, b))), i64.const(format.infinity)), [ret(result)]),
        ]),
        // The sign of a NaN means nothing.
        call(exact, a, subtracts ? i64.xor(b, i64.const(format.sign)) : b, rm),
      ];
    });
  }
}

/** The operands' leading ones are at bit 61, so that a sum fits below bit 63 and a difference keeps guard bits. */
function defineExactAddition(emission: Emission, exact: Reference): void {
  const { module, format, nan } = emission;
  module.define(exact, (scope) => {
    const [a, b] = [scope.parameter(0, 'i64'), scope.parameter(1, 'i64')];
    const rm = scope.parameter(2, 'i32');
    const local = () => scope.local('i64');
    const [x, y, exponent, count, significand, smaller] = [local(), local(), local(), local(), local(), local()];
    const unlike = i64.ne(i64.and(i64.xor(a, b), i64.const(format.sign)), i64.const(0));
    return [
      when(i64.lt_u(magnitude(format, a), magnitude(format, b)), [set(x, a), set(a, b), set(b, x)]),
      set(x, magnitude(format, a)),
      set(y, magnitude(format, b)),
      when(i64.ge_u(x, i64.const(format.infinity)), [
        when(i64.gt_u(x, i64.const(format.infinity)), [ret(call(nan, a, b))]),
        when(i32.and(i64.eq(y, i64.const(format.infinity)), unlike), invalid(emission)),
        ret(a),
      ]),
      ...align(format, x, exponent, significand),
      ...align(format, y, count, smaller),
      set(count, i64.sub(exponent, count)),
      set(smaller, shiftRightSticky(smaller, count)),
      set(significand, i64.add(significand, select(unlike, i64.sub(i64.const(0), smaller), get(smaller)))),
      when(i64.eqz(significand), [
        ret(
          select(
            unlike,
            select(i32.eq(rm, i32.const(ROUNDING.RDN)), i64.const(format.sign), i64.const(0)),
            i64.and(a, i64.const(format.sign)),
          ),
        ),
      ]),
      normalizeAndRound(
        emission,
        scope,
        i64.and(a, i64.const(format.sign)),
        i64.add(exponent, i64.const(1)),
        significand,
        rm,
      ),
    ];
  });
}

/** The exponent and, unnormalized, the significand of a magnitude, with bit `fractionBits` moved to bit 61. */
function align(format: Format, x: I64, exponent: Local<'i64'>, significand: Local<'i64'>): None[] {
  const field = i64.shr_u(x, i64.const(format.fractionBits));
  const normal = i64.extend_i32_u(i64.ne(get(exponent), i64.const(0)));
  return [
    set(exponent, field),
    set(
      significand,
      i64.shl(
        i64.or(i64.and(x, i64.const(format.fraction)), i64.shl(normal, i64.const(format.fractionBits))),
        i64.const(format.extraBits - 1),
      ),
    ),
    set(exponent, i64.or(get(exponent), i64.extend_i32_u(i64.eqz(get(exponent))))),
  ];
}
