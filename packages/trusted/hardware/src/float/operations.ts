/**
 * The floating-point operations of RISC-V F and D (unprivileged ISA, chapters "F" and "D"), as the emitted WebAssembly
 * and the reference both name them. Values are raw IEEE 754 bits; a single is its 32 bits, zero-extended: NaN boxing
 * happens outside. So do sign injection, moves and the negated forms of fused multiply-add, which need no arithmetic.
 */
export const FLAG = { NX: 1, UF: 2, OF: 4, DZ: 8, NV: 16 } as const;

/** The static rounding modes; 5 and 6 are reserved and 7 (dynamic) is resolved before an operation is called. */
export const ROUNDING = { RNE: 0, RTZ: 1, RDN: 2, RUP: 3, RMM: 4 } as const;

interface Shape {
  /** How many i64 operands come first. */
  readonly arity: number;
  /** Whether an i32 rounding mode follows them. */
  readonly rounds: boolean;
}

/** Operations that both formats have. */
export const OPERATIONS = {
  add: { arity: 2, rounds: true },
  sub: { arity: 2, rounds: true },
  mul: { arity: 2, rounds: true },
  div: { arity: 2, rounds: true },
  sqrt: { arity: 1, rounds: true },
  /** a * b + c, rounded once. */
  fma: { arity: 3, rounds: true },
  min: { arity: 2, rounds: false },
  max: { arity: 2, rounds: false },
  /** Comparisons give 0 or 1; `eq` is quiet, `lt` and `le` raise NV for any NaN. */
  eq: { arity: 2, rounds: false },
  lt: { arity: 2, rounds: false },
  le: { arity: 2, rounds: false },
  classify: { arity: 1, rounds: false },
  /** To an integer register: 32-bit results are sign-extended, of `to_u32` too. */
  to_i32: { arity: 1, rounds: true },
  to_u32: { arity: 1, rounds: true },
  to_i64: { arity: 1, rounds: true },
  to_u64: { arity: 1, rounds: true },
  /** From an integer register, of which the 32-bit forms read the low half. */
  from_i32: { arity: 1, rounds: true },
  from_u32: { arity: 1, rounds: true },
  from_i64: { arity: 1, rounds: true },
  from_u64: { arity: 1, rounds: true },
} as const satisfies Record<string, Shape>;

/** Between the formats. */
const CONVERSIONS = {
  'f32.from_f64': { arity: 1, rounds: true },
  'f64.from_f32': { arity: 1, rounds: false },
} as const satisfies Record<string, Shape>;

export type FormatName = 'f32' | 'f64';
export type OperationName = keyof typeof OPERATIONS;
export type FloatKey = `${FormatName}.${OperationName}` | keyof typeof CONVERSIONS;

/** Every operation's shape by its key, such as `f32.add`. */
export const FLOAT_OPERATIONS = Object.fromEntries([
  ...(['f32', 'f64'] as const).flatMap((format) =>
    Object.entries(OPERATIONS).map(([name, shape]) => [`${format}.${name}`, shape]),
  ),
  ...Object.entries(CONVERSIONS),
]) as Readonly<Record<FloatKey, Shape>>;

export const FLOAT_KEYS = Object.keys(FLOAT_OPERATIONS) as readonly FloatKey[];
