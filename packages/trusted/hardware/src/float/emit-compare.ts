import { type Code, call, type I32, i32, i64, ret, select, set, when } from '../wasm/code.ts';
import { type Emission, isSignalling, magnitude, type Reference, raise } from './emit-round.ts';
import { FLAG } from './operations.ts';

/** min and max: IEEE 754-2019 §9.6 minimumNumber and maximumNumber, with -0 less than +0, as WebAssembly has it too. */
export function defineExtremes({ module, format, nan }: Emission, min: Reference, max: Reference): void {
  for (const [target, hardware] of [
    [min, format.hardware.min],
    [max, format.hardware.max],
  ] as const) {
    module.define(target, (scope) => {
      const [a, b] = [scope.parameter(0, 'i64'), scope.parameter(1, 'i64')];
      const notNumber = (raw: typeof a): I32 => i64.gt_u(magnitude(format, raw), i64.const(format.infinity));
      const quietly = scope.local('i64');
      return [
        when(i32.or(notNumber(a), notNumber(b)), [
          set(quietly, call(nan, a, b)),
          when(i32.eqz(notNumber(a)), [ret(a)]),
          when(i32.eqz(notNumber(b)), [ret(b)]),
          ret(quietly),
        ]),
        hardware(a, b),
      ];
    });
  }
}

/** eq raises NV for a signalling NaN only; lt and le for any (RISC-V, chapter "F", Compare Instructions). */
export function defineComparisons(emission: Emission, eq: Reference, lt: Reference, le: Reference): void {
  const { module, format, flagsAddress } = emission;
  const { hardware } = format;
  for (const [target, relation, quiet] of [
    [eq, hardware.eq, true],
    [lt, hardware.lt, false],
    [le, hardware.le, false],
  ] as const) {
    module.define(target, (scope) => {
      const [a, b] = [scope.parameter(0, 'i64'), scope.parameter(1, 'i64')];
      const notNumber = (raw: typeof a): I32 => i64.gt_u(magnitude(format, raw), i64.const(format.infinity));
      const offends = quiet
        ? i32.or(isSignalling(format, a), isSignalling(format, b))
        : i32.or(notNumber(a), notNumber(b));
      return [when(offends, [raise(flagsAddress, i32.const(FLAG.NV))]), i64.extend_i32_u(relation(a, b))];
    });
  }
}

/** The mask of FCLASS (RISC-V, chapter "F", Classify Instruction): -inf … +inf are bits 0 to 7, NaNs 8 and 9. */
export function defineClassify({ module, format }: Emission, classify: Reference): void {
  module.define(classify, (scope) => {
    const a = scope.parameter(0, 'i64');
    const value = magnitude(format, a);
    const below = (bound: bigint): I32 => i64.lt_u(value, i64.const(bound));
    // 0 infinite, 1 normal, 2 subnormal, 3 zero.
    const kind = i32.add(i32.add(below(format.infinity), below(format.leading)), i64.eqz(value));
    const negative = i64.ne(i64.and(a, i64.const(format.sign)), i64.const(0));
    const bit: Code<'i32'> = select(
      i64.gt_u(value, i64.const(format.infinity)),
      select(isSignalling(format, a), i32.const(8), i32.const(9)),
      select(negative, kind, i32.sub(i32.const(7), kind)),
    );
    return [i64.shl(i64.const(1), i64.extend_i32_u(bit))];
  });
}
