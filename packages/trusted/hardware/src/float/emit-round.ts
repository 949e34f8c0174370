import {
  type Code,
  call,
  choose,
  type FunctionReference,
  get,
  type I32,
  type I64,
  i32,
  i64,
  type Local,
  type None,
  ret,
  select,
  sequenceOf,
  set,
  when,
} from '../wasm/code.ts';
import type { ModuleBuilder, Scope } from '../wasm/module.ts';
import type { Format } from './emit-format.ts';
import { FLAG, ROUNDING } from './operations.ts';

/** What every emitter of one format's operations is given. */
export interface Emission {
  readonly module: ModuleBuilder;
  readonly format: Format;
  readonly flagsAddress: number;
  /** (sign, exponent, significand, rm): see `defineRound`. */
  readonly round: Reference;
  /** (a, b): the outcome of an operation with a NaN operand. */
  readonly nan: Reference;
}

export type Reference = FunctionReference & { readonly result: 'i64' };

/** ORs exception flags, which must not be none, into those that have accrued. */
export const raise = (flagsAddress: number, flags: I32): None =>
  i32.store(i32.const(flagsAddress), i32.or(i32.load(i32.const(flagsAddress)), flags));

/**
 * Whether WebAssembly's own result may do: it rounds to nearest even, and shows no flags, which is no loss where at
 * most NX could be raised and NX has accrued already.
 */
export const hardwareMode = (flagsAddress: number, rm: I32): I32 =>
  i32.and(i32.load(i32.const(flagsAddress)), i32.eqz(rm));

/** Raises NV and gives the canonical NaN. */
export const invalid = ({ format, flagsAddress }: Emission): Code[] => [
  raise(flagsAddress, i32.const(FLAG.NV)),
  ret(i64.const(format.canonicalNaN)),
];

/** The bits without their sign. */
export const magnitude = (format: Format, raw: I64): I64 => i64.and(raw, i64.const(format.magnitude));

/** Whether raw bits are of a signalling NaN: all exponent bits, not the quiet bit, some other fraction bit. */
export const isSignalling = (format: Format, raw: I64): I32 =>
  i32.and(
    i64.eq(i64.and(raw, i64.const(format.infinity + format.quiet)), i64.const(format.infinity)),
    i64.ne(i64.and(raw, i64.const(format.quiet - 1n)), i64.const(0)),
  );

/** value >> count, with a last bit that also says whether any one was shifted out; count is at least 0. */
export const shiftRightSticky = (value: Local<'i64'>, count: Local<'i64'>): I64 => {
  const shifted = i64.shr_u(get(value), get(count));
  return choose(
    'i64',
    i64.lt_u(get(count), i64.const(64)),
    [i64.or(shifted, i64.extend_i32_u(i64.ne(i64.shl(shifted, get(count)), get(value))))],
    [i64.extend_i32_u(i64.ne(get(value), i64.const(0)))],
  );
};

/**
 * Takes a finite number that is not zero apart: its significand with the leading one at bit `fractionBits`, and its
 * biased exponent, below 1 for a subnormal number.
 */
export function unpack(
  format: Format,
  raw: I64,
  exponent: Local<'i64'>,
  significand: Local<'i64'>,
  shift: Local<'i64'>,
): Code[] {
  const field = i64.and(i64.shr_u(raw, i64.const(format.fractionBits)), i64.const(format.exponentMax));
  return [
    set(significand, i64.and(raw, i64.const(format.fraction))),
    set(exponent, field),
    when(
      i64.eqz(get(exponent)),
      [
        set(shift, i64.sub(i64.clz(get(significand)), i64.const(63 - format.fractionBits))),
        set(significand, i64.shl(get(significand), get(shift))),
        set(exponent, i64.sub(i64.const(1), get(shift))),
      ],
      [set(significand, i64.or(get(significand), i64.const(format.leading)))],
    ),
  ];
}

/** Shifts a significand with its leading one anywhere below bit 63 up to bit 62, and rounds it. */
export function normalizeAndRound(
  emission: Emission,
  scope: Scope,
  sign: I64,
  exponent: I64,
  significand: Local<'i64'>,
  rm: I32,
): I64 {
  const shift = scope.local('i64');
  return sequenceOf(
    'i64',
    set(shift, i64.sub(i64.clz(get(significand)), i64.const(1))),
    call(emission.round, sign, i64.sub(exponent, get(shift)), i64.shl(get(significand), get(shift)), rm),
  );
}

/** Defines the quiet result of NaN operands, with NV if one of them signals (IEEE 754-2019 §6.2). */
export function defineNaN({ module, format, flagsAddress, nan }: Emission): void {
  module.define(nan, (scope) => [
    when(i32.or(isSignalling(format, scope.parameter(0, 'i64')), isSignalling(format, scope.parameter(1, 'i64'))), [
      raise(flagsAddress, i32.const(FLAG.NV)),
    ]),
    i64.const(format.canonicalNaN),
  ]);
}

/**
 * Defines the rounding of ±significand × 2^(exponent - bias - 62), with sign bit `sign`, leading one at bit 62, and a
 * last bit that stands for all that lies below it. Raises NX, OF and UF; tininess is that of the result rounded as if
 * exponents had no lower bound (RISC-V, chapter "F", Subnormal Arithmetic).
 */
export function defineRound({ module, format, flagsAddress, round }: Emission): void {
  const rest = (1n << BigInt(format.extraBits)) - 1n;
  const half = 1n << BigInt(format.extraBits - 1);
  module.define(round, (scope) => {
    const sign = scope.parameter(0, 'i64');
    const exponent = scope.parameter(1, 'i64');
    const significand = scope.parameter(2, 'i64');
    const rm = scope.parameter(3, 'i32');
    const [increment, bits, packed, shift] = [
      scope.local('i64'),
      scope.local('i64'),
      scope.local('i64'),
      scope.local('i64'),
    ];
    const [flags, tiny] = [scope.local('i32'), scope.local('i32')];
    const isMode = (mode: number): I32 => i32.eq(rm, i32.const(mode));
    const awayFromZero = i32.eq(isMode(ROUNDING.RDN), i64.ne(sign, i64.const(0)));
    return [
      set(
        increment,
        choose(
          'i64',
          i32.or(isMode(ROUNDING.RNE), isMode(ROUNDING.RMM)),
          [i64.const(half)],
          [select(i32.and(awayFromZero, i32.ne(rm, i32.const(ROUNDING.RTZ))), i64.const(rest), i64.const(0))],
        ),
      ),
      when(i64.le_s(exponent, i64.const(0)), [
        // Only a carry out of the leading one lifts exponent 0 to that of the smallest normal number.
        set(tiny, i32.or(i64.lt_s(exponent, i64.const(0)), i64.ge_s(i64.add(significand, increment), i64.const(0)))),
        set(shift, i64.sub(i64.const(1), exponent)),
        set(significand, shiftRightSticky(significand, shift)),
        set(exponent, i64.const(1)),
      ]),
      set(bits, i64.and(significand, i64.const(rest))),
      set(significand, i64.shr_u(i64.add(significand, increment), i64.const(format.extraBits))),
      when(i64.ne(bits, i64.const(0)), [
        set(flags, i32.or(i32.const(FLAG.NX), i32.shl(tiny, i32.const(1)))),
        when(i32.and(i64.eq(bits, i64.const(half)), isMode(ROUNDING.RNE)), [
          set(significand, i64.and(significand, i64.const(-2))),
        ]),
      ]),
      // The leading one adds 1 to the exponent field; a subnormal significand has none, a carry adds one more.
      set(packed, i64.add(i64.shl(i64.sub(exponent, i64.const(1)), i64.const(format.fractionBits)), significand)),
      when(i32.or(i64.ge_s(exponent, i64.const(format.exponentMax)), i64.ge_u(packed, i64.const(format.infinity))), [
        set(flags, i32.const(FLAG.OF | FLAG.NX)),
        // A mode that never rounds away here stops at the largest finite number.
        set(packed, i64.sub(i64.const(format.infinity), i64.extend_i32_u(i64.eqz(increment)))),
      ]),
      when(flags, [raise(flagsAddress, flags)]),
      i64.or(sign, packed),
    ];
  });
}
