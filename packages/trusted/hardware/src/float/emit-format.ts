import { type Code, f32, f64, type I32, type I64, i32, i64 } from '../wasm/code.ts';
import type { FormatName } from './operations.ts';

/**
 * A binary interchange format (IEEE 754-2019 §3.4) as the emitters see it: masks over raw bits in an i64, and
 * WebAssembly's own instructions on such bits (round to nearest even, no flags).
 */
export interface Format {
  readonly name: FormatName;
  readonly exponentBits: number;
  readonly fractionBits: number;
  readonly bias: number;
  /** The exponent field of infinities and NaNs. */
  readonly exponentMax: number;
  readonly sign: bigint;
  /** All bits but the sign. */
  readonly magnitude: bigint;
  readonly fraction: bigint;
  /** The leading one of a normal significand, and so also the smallest normal number's bits. */
  readonly leading: bigint;
  readonly quiet: bigint;
  readonly infinity: bigint;
  readonly canonicalNaN: bigint;
  /** How far bit `fractionBits` is from bit 62, where significands have their leading one before they are rounded. */
  readonly extraBits: number;
  readonly hardware: Hardware;
}

type Unary = (a: I64) => I64;
type Binary = (a: I64, b: I64) => I64;
type Relation = (a: I64, b: I64) => I32;

interface Hardware {
  readonly add: Binary;
  readonly sub: Binary;
  readonly mul: Binary;
  readonly div: Binary;
  readonly min: Binary;
  readonly max: Binary;
  readonly sqrt: Unary;
  readonly eq: Relation;
  readonly lt: Relation;
  readonly le: Relation;
  /** From the low half of the i64 for the 32-bit forms. */
  readonly from_i32: Unary;
  readonly from_u32: Unary;
  readonly from_i64: Unary;
  readonly from_u64: Unary;
}

type Instructions<T extends 'f32' | 'f64'> = {
  readonly [name in 'add' | 'sub' | 'mul' | 'div' | 'min' | 'max']: (a: Code<T>, b: Code<T>) => Code<T>;
} & { readonly [name in 'eq' | 'lt' | 'le']: (a: Code<T>, b: Code<T>) => I32 } & {
  readonly sqrt: (a: Code<T>) => Code<T>;
  readonly convert_i32_s: (a: I32) => Code<T>;
  readonly convert_i32_u: (a: I32) => Code<T>;
  readonly convert_i64_s: (a: I64) => Code<T>;
  readonly convert_i64_u: (a: I64) => Code<T>;
};

function onRawBits<T extends 'f32' | 'f64'>(
  instructions: Instructions<T>,
  read: (raw: I64) => Code<T>,
  raw: (value: Code<T>) => I64,
): Hardware {
  const binary =
    (instruction: (a: Code<T>, b: Code<T>) => Code<T>): Binary =>
    (a, b) =>
      raw(instruction(read(a), read(b)));
  const relation =
    (instruction: (a: Code<T>, b: Code<T>) => I32): Relation =>
    (a, b) =>
      instruction(read(a), read(b));
  return {
    add: binary(instructions.add),
    sub: binary(instructions.sub),
    mul: binary(instructions.mul),
    div: binary(instructions.div),
    min: binary(instructions.min),
    max: binary(instructions.max),
    sqrt: (a) => raw(instructions.sqrt(read(a))),
    eq: relation(instructions.eq),
    lt: relation(instructions.lt),
    le: relation(instructions.le),
    from_i32: (a) => raw(instructions.convert_i32_s(i32.wrap_i64(a))),
    from_u32: (a) => raw(instructions.convert_i32_u(i32.wrap_i64(a))),
    from_i64: (a) => raw(instructions.convert_i64_s(a)),
    from_u64: (a) => raw(instructions.convert_i64_u(a)),
  };
}

export const readSingle = (raw: I64): Code<'f32'> => f32.reinterpret_i32(i32.wrap_i64(raw));
export const rawSingle = (value: Code<'f32'>): I64 => i64.extend_i32_u(i32.reinterpret_f32(value));

function format(name: FormatName, exponentBits: number, fractionBits: number, hardware: Hardware): Format {
  const leading = 1n << BigInt(fractionBits);
  const sign = 1n << BigInt(exponentBits + fractionBits);
  const exponentMax = 2 ** exponentBits - 1;
  const infinity = BigInt(exponentMax) * leading;
  return {
    name,
    exponentBits,
    fractionBits,
    bias: (exponentMax - 1) / 2,
    exponentMax,
    sign,
    magnitude: sign - 1n,
    fraction: leading - 1n,
    leading,
    quiet: leading / 2n,
    infinity,
    canonicalNaN: infinity + leading / 2n,
    extraBits: 62 - fractionBits,
    hardware,
  };
}

export const SINGLE = format('f32', 8, 23, onRawBits(f32, readSingle, rawSingle));
export const DOUBLE = format('f64', 11, 52, onRawBits(f64, f64.reinterpret_i64, i64.reinterpret_f64));
