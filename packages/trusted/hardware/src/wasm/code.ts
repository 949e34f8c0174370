/**
 * WebAssembly code as typed trees (WebAssembly core 2.0 §5.4, threads §atomics). A tree is data: nothing is encoded
 * until a module is. `i32`, `i64` and `f64` hold the constructors, named as the text format names the instructions.
 */
export type ValueType = 'i32' | 'i64' | 'f32' | 'f64';
export type ResultType = ValueType | 'none';

export interface Label {
  readonly name: string;
}
export interface FunctionReference {
  readonly name: string;
  readonly parameters: readonly ValueType[];
  readonly result: ResultType;
}
export interface Local<T extends ValueType = ValueType> {
  readonly kind: 'local';
  readonly type: T;
  readonly index: number;
}

export type Code<T extends ResultType = ResultType> = { readonly type: T } & (
  | { readonly kind: 'op'; readonly opcode: readonly number[]; readonly args: readonly Code[] }
  | { readonly kind: 'const'; readonly value: bigint | number }
  | { readonly kind: 'local'; readonly index: number }
  | { readonly kind: 'set' | 'tee'; readonly index: number; readonly value: Code }
  | {
      readonly kind: 'memory';
      readonly opcode: readonly number[];
      readonly align: number;
      readonly offset: number;
      readonly args: readonly Code[];
    }
  | { readonly kind: 'call'; readonly target: FunctionReference; readonly args: readonly Code[] }
  | {
      readonly kind: 'call_indirect';
      readonly parameters: readonly ValueType[];
      readonly index: Code;
      readonly args: readonly Code[];
    }
  | { readonly kind: 'block' | 'loop'; readonly label: Label; readonly body: readonly Code[] }
  | {
      readonly kind: 'if';
      readonly condition: Code;
      readonly consequent: readonly Code[];
      readonly alternate: readonly Code[];
    }
  | { readonly kind: 'br'; readonly label: Label }
  | { readonly kind: 'br_if'; readonly label: Label; readonly condition: Code }
  | { readonly kind: 'br_table'; readonly labels: readonly Label[]; readonly fallback: Label; readonly index: Code }
  | { readonly kind: 'return'; readonly value: Code | undefined }
  | { readonly kind: 'sequence'; readonly body: readonly Code[] }
);

type I32 = Code<'i32'>;
type I64 = Code<'i64'>;
type F64 = Code<'f64'>;
type None = Code<'none'>;

const op = <T extends ResultType>(type: T, opcode: number | readonly number[], ...args: Code[]): Code<T> => ({
  kind: 'op',
  type,
  opcode: typeof opcode === 'number' ? [opcode] : opcode,
  args,
});

const binary =
  <A extends ValueType, T extends ValueType>(type: T, opcode: number) =>
  (a: Code<A>, b: Code<A>): Code<T> =>
    op(type, opcode, a, b);

const unary =
  <A extends ValueType, T extends ValueType>(type: T, ...opcode: number[]) =>
  (a: Code<A>): Code<T> =>
    op(type, opcode, a);

const load =
  <T extends ValueType>(type: T, align: number, ...opcode: number[]) =>
  (address: I32, offset = 0): Code<T> => ({ kind: 'memory', type, opcode, align, offset, args: [address] });

const store =
  <T extends ValueType>(_type: T, align: number, ...opcode: number[]) =>
  (address: I32, value: Code<T>, offset = 0): None => ({
    kind: 'memory',
    type: 'none',
    opcode,
    align,
    offset,
    args: [address, value],
  });

const rmw =
  <T extends ValueType>(type: T, align: number, ...opcode: number[]) =>
  (address: I32, value: Code<T>, offset = 0): Code<T> => ({
    kind: 'memory',
    type,
    opcode,
    align,
    offset,
    args: [address, value],
  });

const compareExchange =
  <T extends ValueType>(type: T, align: number, ...opcode: number[]) =>
  (address: I32, expected: Code<T>, replacement: Code<T>, offset = 0): Code<T> => ({
    kind: 'memory',
    type,
    opcode,
    align,
    offset,
    args: [address, expected, replacement],
  });

export const i32 = {
  const: (value: number): I32 => ({ kind: 'const', type: 'i32', value: value | 0 }),
  eqz: unary<'i32', 'i32'>('i32', 0x45),
  eq: binary<'i32', 'i32'>('i32', 0x46),
  ne: binary<'i32', 'i32'>('i32', 0x47),
  lt_s: binary<'i32', 'i32'>('i32', 0x48),
  lt_u: binary<'i32', 'i32'>('i32', 0x49),
  gt_s: binary<'i32', 'i32'>('i32', 0x4a),
  gt_u: binary<'i32', 'i32'>('i32', 0x4b),
  le_s: binary<'i32', 'i32'>('i32', 0x4c),
  le_u: binary<'i32', 'i32'>('i32', 0x4d),
  ge_s: binary<'i32', 'i32'>('i32', 0x4e),
  ge_u: binary<'i32', 'i32'>('i32', 0x4f),
  clz: unary<'i32', 'i32'>('i32', 0x67),
  ctz: unary<'i32', 'i32'>('i32', 0x68),
  popcnt: unary<'i32', 'i32'>('i32', 0x69),
  add: binary<'i32', 'i32'>('i32', 0x6a),
  sub: binary<'i32', 'i32'>('i32', 0x6b),
  mul: binary<'i32', 'i32'>('i32', 0x6c),
  div_s: binary<'i32', 'i32'>('i32', 0x6d),
  div_u: binary<'i32', 'i32'>('i32', 0x6e),
  rem_s: binary<'i32', 'i32'>('i32', 0x6f),
  rem_u: binary<'i32', 'i32'>('i32', 0x70),
  and: binary<'i32', 'i32'>('i32', 0x71),
  or: binary<'i32', 'i32'>('i32', 0x72),
  xor: binary<'i32', 'i32'>('i32', 0x73),
  shl: binary<'i32', 'i32'>('i32', 0x74),
  shr_s: binary<'i32', 'i32'>('i32', 0x75),
  shr_u: binary<'i32', 'i32'>('i32', 0x76),
  rotl: binary<'i32', 'i32'>('i32', 0x77),
  rotr: binary<'i32', 'i32'>('i32', 0x78),
  wrap_i64: unary<'i64', 'i32'>('i32', 0xa7),
  reinterpret_f32: unary<'f32', 'i32'>('i32', 0xbc),
  extend8_s: unary<'i32', 'i32'>('i32', 0xc0),
  extend16_s: unary<'i32', 'i32'>('i32', 0xc1),
  load: load('i32', 2, 0x28),
  load8_s: load('i32', 0, 0x2c),
  load8_u: load('i32', 0, 0x2d),
  load16_s: load('i32', 1, 0x2e),
  load16_u: load('i32', 1, 0x2f),
  store: store('i32', 2, 0x36),
  store8: store('i32', 0, 0x3a),
  store16: store('i32', 1, 0x3b),
  atomic_load: load('i32', 2, 0xfe, 0x10),
  atomic_rmw_or: rmw('i32', 2, 0xfe, 0x33),
  atomic_rmw8_or_u: rmw('i32', 0, 0xfe, 0x35),
};

export const i64 = {
  const: (value: bigint | number): I64 => ({ kind: 'const', type: 'i64', value: BigInt.asIntN(64, BigInt(value)) }),
  eqz: unary<'i64', 'i32'>('i32', 0x50),
  eq: binary<'i64', 'i32'>('i32', 0x51),
  ne: binary<'i64', 'i32'>('i32', 0x52),
  lt_s: binary<'i64', 'i32'>('i32', 0x53),
  lt_u: binary<'i64', 'i32'>('i32', 0x54),
  gt_s: binary<'i64', 'i32'>('i32', 0x55),
  gt_u: binary<'i64', 'i32'>('i32', 0x56),
  le_s: binary<'i64', 'i32'>('i32', 0x57),
  le_u: binary<'i64', 'i32'>('i32', 0x58),
  ge_s: binary<'i64', 'i32'>('i32', 0x59),
  ge_u: binary<'i64', 'i32'>('i32', 0x5a),
  clz: unary<'i64', 'i64'>('i64', 0x79),
  ctz: unary<'i64', 'i64'>('i64', 0x7a),
  popcnt: unary<'i64', 'i64'>('i64', 0x7b),
  add: binary<'i64', 'i64'>('i64', 0x7c),
  sub: binary<'i64', 'i64'>('i64', 0x7d),
  mul: binary<'i64', 'i64'>('i64', 0x7e),
  div_s: binary<'i64', 'i64'>('i64', 0x7f),
  div_u: binary<'i64', 'i64'>('i64', 0x80),
  rem_s: binary<'i64', 'i64'>('i64', 0x81),
  rem_u: binary<'i64', 'i64'>('i64', 0x82),
  and: binary<'i64', 'i64'>('i64', 0x83),
  or: binary<'i64', 'i64'>('i64', 0x84),
  xor: binary<'i64', 'i64'>('i64', 0x85),
  shl: binary<'i64', 'i64'>('i64', 0x86),
  shr_s: binary<'i64', 'i64'>('i64', 0x87),
  shr_u: binary<'i64', 'i64'>('i64', 0x88),
  rotl: binary<'i64', 'i64'>('i64', 0x89),
  rotr: binary<'i64', 'i64'>('i64', 0x8a),
  extend_i32_s: unary<'i32', 'i64'>('i64', 0xac),
  extend_i32_u: unary<'i32', 'i64'>('i64', 0xad),
  reinterpret_f64: unary<'f64', 'i64'>('i64', 0xbd),
  extend8_s: unary<'i64', 'i64'>('i64', 0xc2),
  extend16_s: unary<'i64', 'i64'>('i64', 0xc3),
  extend32_s: unary<'i64', 'i64'>('i64', 0xc4),
  load: load('i64', 3, 0x29),
  load8_s: load('i64', 0, 0x30),
  load8_u: load('i64', 0, 0x31),
  load16_s: load('i64', 1, 0x32),
  load16_u: load('i64', 1, 0x33),
  load32_s: load('i64', 2, 0x34),
  load32_u: load('i64', 2, 0x35),
  store: store('i64', 3, 0x37),
  store8: store('i64', 0, 0x3c),
  store16: store('i64', 1, 0x3d),
  store32: store('i64', 2, 0x3e),
  atomic_load: load('i64', 3, 0xfe, 0x11),
  atomic_load32_u: load('i64', 2, 0xfe, 0x16),
  atomic_store: store('i64', 3, 0xfe, 0x18),
  atomic_store32: store('i64', 2, 0xfe, 0x1d),
  atomic_rmw_add: rmw('i64', 3, 0xfe, 0x1f),
  atomic_rmw32_add_u: rmw('i64', 2, 0xfe, 0x24),
  atomic_rmw_and: rmw('i64', 3, 0xfe, 0x2d),
  atomic_rmw32_and_u: rmw('i64', 2, 0xfe, 0x32),
  atomic_rmw_or: rmw('i64', 3, 0xfe, 0x34),
  atomic_rmw32_or_u: rmw('i64', 2, 0xfe, 0x39),
  atomic_rmw_xor: rmw('i64', 3, 0xfe, 0x3b),
  atomic_rmw32_xor_u: rmw('i64', 2, 0xfe, 0x40),
  atomic_rmw_xchg: rmw('i64', 3, 0xfe, 0x42),
  atomic_rmw32_xchg_u: rmw('i64', 2, 0xfe, 0x47),
  atomic_rmw_cmpxchg: compareExchange('i64', 3, 0xfe, 0x49),
  atomic_rmw32_cmpxchg_u: compareExchange('i64', 2, 0xfe, 0x4e),
};

export const f64 = {
  const: (value: number): F64 => ({ kind: 'const', type: 'f64', value }),
  eq: binary<'f64', 'i32'>('i32', 0x61),
  ne: binary<'f64', 'i32'>('i32', 0x62),
  lt: binary<'f64', 'i32'>('i32', 0x63),
  gt: binary<'f64', 'i32'>('i32', 0x64),
  le: binary<'f64', 'i32'>('i32', 0x65),
  ge: binary<'f64', 'i32'>('i32', 0x66),
  abs: unary<'f64', 'f64'>('f64', 0x99),
  neg: unary<'f64', 'f64'>('f64', 0x9a),
  sqrt: unary<'f64', 'f64'>('f64', 0x9f),
  add: binary<'f64', 'f64'>('f64', 0xa0),
  sub: binary<'f64', 'f64'>('f64', 0xa1),
  mul: binary<'f64', 'f64'>('f64', 0xa2),
  div: binary<'f64', 'f64'>('f64', 0xa3),
  min: binary<'f64', 'f64'>('f64', 0xa4),
  max: binary<'f64', 'f64'>('f64', 0xa5),
  convert_i32_s: unary<'i32', 'f64'>('f64', 0xb7),
  convert_i32_u: unary<'i32', 'f64'>('f64', 0xb8),
  convert_i64_s: unary<'i64', 'f64'>('f64', 0xb9),
  convert_i64_u: unary<'i64', 'f64'>('f64', 0xba),
  promote_f32: unary<'f32', 'f64'>('f64', 0xbb),
  reinterpret_i64: unary<'i64', 'f64'>('f64', 0xbf),
};

export const f32 = {
  eq: binary<'f32', 'i32'>('i32', 0x5b),
  lt: binary<'f32', 'i32'>('i32', 0x5d),
  le: binary<'f32', 'i32'>('i32', 0x5f),
  sqrt: unary<'f32', 'f32'>('f32', 0x91),
  add: binary<'f32', 'f32'>('f32', 0x92),
  sub: binary<'f32', 'f32'>('f32', 0x93),
  mul: binary<'f32', 'f32'>('f32', 0x94),
  div: binary<'f32', 'f32'>('f32', 0x95),
  min: binary<'f32', 'f32'>('f32', 0x96),
  max: binary<'f32', 'f32'>('f32', 0x97),
  convert_i32_s: unary<'i32', 'f32'>('f32', 0xb2),
  convert_i32_u: unary<'i32', 'f32'>('f32', 0xb3),
  convert_i64_s: unary<'i64', 'f32'>('f32', 0xb4),
  convert_i64_u: unary<'i64', 'f32'>('f32', 0xb5),
  demote_f64: unary<'f64', 'f32'>('f32', 0xb6),
  reinterpret_i32: unary<'i32', 'f32'>('f32', 0xbe),
};

/** Evaluates all three; the condition last (§3.3.2 select). */
export function select<T extends ValueType>(condition: I32, ifTrue: Code<T>, ifFalse: Code<T>): Code<T> {
  return op(ifTrue.type as T, 0x1b, ifTrue, ifFalse, condition);
}

export const get = <T extends ValueType>(local: Local<T>): Code<T> => local;
export const set = <T extends ValueType>(local: Local<T>, value: Code<T>): None => ({
  kind: 'set',
  type: 'none',
  index: local.index,
  value,
});
export const tee = <T extends ValueType>(local: Local<T>, value: Code<T>): Code<T> => ({
  kind: 'tee',
  type: local.type,
  index: local.index,
  value,
});

export const label = (name: string): Label => ({ name });
export const block = (target: Label, ...body: Code[]): None => ({ kind: 'block', type: 'none', label: target, body });
export const loop = (target: Label, ...body: Code[]): None => ({ kind: 'loop', type: 'none', label: target, body });
export const when = (condition: I32, consequent: readonly Code[], alternate: readonly Code[] = []): None => ({
  kind: 'if',
  type: 'none',
  condition,
  consequent,
  alternate,
});
/** An if that yields a value: the last code of each arm leaves it. */
export const choose = <T extends ValueType>(
  type: T,
  condition: I32,
  consequent: readonly Code[],
  alternate: readonly Code[],
): Code<T> => ({ kind: 'if', type, condition, consequent, alternate });
export const br = (target: Label): None => ({ kind: 'br', type: 'none', label: target });
export const br_if = (target: Label, condition: I32): None => ({
  kind: 'br_if',
  type: 'none',
  label: target,
  condition,
});
export const br_table = (index: I32, labels: readonly Label[], fallback: Label): None => ({
  kind: 'br_table',
  type: 'none',
  labels,
  fallback,
  index,
});
export const ret = (value?: Code): None => ({ kind: 'return', type: 'none', value });
export const drop = (value: Code): None => op('none', 0x1a, value);
export const fence = (): None => op('none', [0xfe, 0x03, 0x00]);
export const sequence = (...body: Code[]): None => ({ kind: 'sequence', type: 'none', body });
/** Several codes of which the last leaves the value. */
export const sequenceOf = <T extends ValueType>(type: T, ...body: Code[]): Code<T> => ({
  kind: 'sequence',
  type,
  body,
});

export function call<T extends ResultType>(
  target: FunctionReference & { readonly result: T },
  ...args: Code[]
): Code<T> {
  return { kind: 'call', type: target.result, target, args };
}
export function callIndirect<T extends ResultType>(
  parameters: readonly ValueType[],
  result: T,
  index: I32,
  ...args: Code[]
): Code<T> {
  return { kind: 'call_indirect', type: result, parameters, index, args };
}

export type { F64, I32, I64, None };
