import {
  type Code,
  call,
  choose,
  drop,
  f32,
  f64,
  get,
  type I32,
  type I64,
  i32,
  i64,
  ret,
  select,
  set,
  tee,
  when,
} from '../wasm/code.ts';
import { rawSingle, readSingle } from './emit-format.ts';
import { isPlain } from './emit-multiply.ts';
import { type Emission, hardwareMode, magnitude, type Reference, raise, unpack } from './emit-round.ts';
import { FLAG, ROUNDING } from './operations.ts';

/**
 * To an integer of `width` bits. What does not fit after rounding is clipped, with NV and not NX; a NaN counts as too
 * large (RISC-V, chapter "F", table of domains of float-to-integer conversions).
 */
export function defineToInteger(
  { module, format, flagsAddress }: Emission,
  target: Reference,
  width: 32 | 64,
  signed: boolean,
): void {
  const greatest = 2n ** BigInt(signed ? width - 1 : width) - 1n;
  const leastMagnitude = signed ? greatest + 1n : 0n;
  const register = (value: bigint): I64 => i64.const(BigInt.asIntN(width, value));
  module.define(target, (scope) => {
    const a = scope.parameter(0, 'i64');
    const rm = scope.parameter(1, 'i32');
    const local = () => scope.local('i64');
    const [exponent, significand, rest, count] = [local(), local(), local(), local()];
    const inexact = i64.ne(rest, i64.const(0));
    const negative = i64.ne(i64.and(a, i64.const(format.sign)), i64.const(0));
    const isMode = (mode: number): I32 => i32.eq(rm, i32.const(mode));
    const half = i64.const(-(2n ** 63n));
    const clip = (toGreatest: I32): Code[] => [
      raise(flagsAddress, i32.const(FLAG.NV)),
      ret(select(toGreatest, register(greatest), register(-leastMagnitude))),
    ];

    return [
      when(i64.eqz(magnitude(format, a)), [ret(i64.const(0))]),
      set(exponent, i64.sub(i64.shr_u(magnitude(format, a), i64.const(format.fractionBits)), i64.const(format.bias))),
      when(
        i64.ge_s(exponent, i64.const(64)),
        clip(i32.or(i64.gt_u(magnitude(format, a), i64.const(format.infinity)), i32.eqz(negative))),
      ),
      // A subnormal number is given a leading one here, which does not matter: it is less than a half all the same.
      set(significand, i64.or(i64.and(a, i64.const(format.fraction)), i64.const(format.leading))),
      set(count, i64.sub(i64.const(format.fractionBits), exponent)),
      when(
        i64.le_s(count, i64.const(0)),
        [set(significand, i64.shl(significand, i64.sub(i64.const(0), count)))],
        [
          // `rest` is what lies below the integer's last bit, from bit 63 down; less than a half is as good as 1.
          when(
            i64.gt_s(count, i64.const(format.fractionBits + 1)),
            [set(rest, i64.const(1)), set(significand, i64.const(0))],
            [
              set(rest, i64.shl(significand, i64.sub(i64.const(64), count))),
              set(significand, i64.shr_u(significand, count)),
            ],
          ),
          set(significand, i64.add(significand, i64.extend_i32_u(roundsUp()))),
        ],
      ),
      when(
        i64.gt_u(significand, select(negative, i64.const(leastMagnitude), i64.const(greatest))),
        clip(i32.eqz(negative)),
      ),
      when(inexact, [raise(flagsAddress, i32.const(FLAG.NX))]),
      set(significand, select(negative, i64.sub(i64.const(0), significand), get(significand))),
      width === 32 ? i64.extend32_s(significand) : significand,
    ];

    function roundsUp(): I32 {
      const nearest = i32.or(
        i64.gt_u(rest, half),
        i32.and(i64.eq(rest, half), i32.or(isMode(ROUNDING.RMM), i32.wrap_i64(significand))),
      );
      const directed = i32.and(
        i32.and(inexact, i32.ne(rm, i32.const(ROUNDING.RTZ))),
        i32.eq(isMode(ROUNDING.RDN), negative),
      );
      return choose(
        'i32',
        i32.or(isMode(ROUNDING.RNE), isMode(ROUNDING.RMM)),
        [i32.and(nearest, i32.const(1))],
        [directed],
      );
    }
  });
}

/** From an integer register, of which the 32-bit forms read the low half. */
export function defineFromInteger(emission: Emission, target: Reference, width: 32 | 64, signed: boolean): void {
  const { module, format, flagsAddress, round } = emission;
  const hardware = format.hardware[`from_${signed ? 'i' : 'u'}${width}`];
  module.define(target, (scope) => {
    const x = scope.parameter(0, 'i64');
    if (width <= format.fractionBits + 1) return [hardware(x)];
    const rm = scope.parameter(1, 'i32');
    const [sign, significand, shift] = [scope.local('i64'), scope.local('i64'), scope.local('i64')];
    const negative = i64.lt_s(x, i64.const(0));
    return [
      when(hardwareMode(flagsAddress, rm), [ret(hardware(x))]),
      ...(width === 32 ? [set(x, signed ? i64.extend32_s(x) : i64.and(x, i64.const(0xffff_ffff)))] : []),
      when(i64.eqz(x), [ret(x)]),
      ...(signed ? [when(negative, [set(sign, i64.const(format.sign)), set(x, i64.sub(i64.const(0), x))])] : []),
      set(shift, i64.clz(x)),
      set(significand, i64.shl(x, shift)),
      set(significand, i64.or(i64.shr_u(significand, i64.const(1)), i64.and(significand, i64.const(1)))),
      call(round, sign, i64.sub(i64.const(format.bias + 63), shift), significand, rm),
    ];
  });
}

/** From double to single; the NaN rules are those of the operand's format. */
export function defineNarrowing(single: Emission, double: Emission, target: Reference): void {
  const { module, flagsAddress, format, round } = single;
  const signShift = i64.const(32);
  module.define(target, (scope) => {
    const a = scope.parameter(0, 'i64');
    const rm = scope.parameter(1, 'i32');
    const local = () => scope.local('i64');
    const [x, sign, exponent, significand, scratch] = [local(), local(), local(), local(), local()];
    return [
      when(hardwareMode(flagsAddress, rm), [
        when(isPlain(format, tee(x, rawSingle(f32.demote_f64(f64.reinterpret_i64(a))))), [ret(x)]),
      ]),
      set(x, magnitude(double.format, a)),
      set(sign, i64.and(i64.shr_u(a, signShift), i64.const(format.sign))),
      when(i64.eqz(x), [ret(sign)]),
      when(i64.ge_u(x, i64.const(double.format.infinity)), [
        when(i64.eq(x, i64.const(double.format.infinity)), [ret(i64.or(sign, i64.const(format.infinity)))]),
        drop(call(double.nan, a, a)),
        ret(i64.const(format.canonicalNaN)),
      ]),
      ...unpack(double.format, x, exponent, significand, scratch),
      call(
        round,
        sign,
        i64.sub(exponent, i64.const(double.format.bias - format.bias)),
        i64.shl(significand, i64.const(double.format.extraBits)),
        rm,
      ),
    ];
  });
}

/** From single to double, always exact. */
export function defineWidening(single: Emission, double: Emission, target: Reference): void {
  single.module.define(target, (scope) => {
    const a = scope.parameter(0, 'i64');
    return [
      when(i64.gt_u(magnitude(single.format, a), i64.const(single.format.infinity)), [
        drop(call(single.nan, a, a)),
        ret(i64.const(double.format.canonicalNaN)),
      ]),
      i64.reinterpret_f64(f64.promote_f32(readSingle(a))),
    ];
  });
}
