/** A key of float/operations.ts. */
type FloatKey = string;

/**
 * The language in which the instruction table says what an instruction does: typed expression trees over 32- and 64-bit
 * integers, and statements. It knows no memory layout and no engine; the interpreter, the translator to come and the
 * reference evaluator each give it theirs. Registers named by an operand: `x` integer, `f` floating point (raw bits).
 */
export type IntegerType = 'i32' | 'i64';

/** Named as WebAssembly names them, and with its meaning (shift amounts are taken modulo the width). */
export type ArithmeticName =
  | 'add'
  | 'sub'
  | 'mul'
  | 'and'
  | 'or'
  | 'xor'
  | 'shl'
  | 'shr_s'
  | 'shr_u'
  | 'rotl'
  | 'rotr'
  | 'div_s'
  | 'div_u'
  | 'rem_s'
  | 'rem_u';
export type ComparisonName = 'eq' | 'ne' | 'lt_s' | 'lt_u' | 'ge_s' | 'ge_u';
export type CountName = 'clz' | 'ctz' | 'popcnt';
/** Products that WebAssembly lacks: high halves (RISC-V M §13.1), carry-less products (Zbc §1.4). */
export type ProductName = 'mulh_ss' | 'mulh_su' | 'mulh_uu' | 'clmul' | 'clmulh' | 'clmulr';
export type AmoName = 'swap' | 'add' | 'xor' | 'and' | 'or' | 'min' | 'max' | 'minu' | 'maxu';
export type RegisterOperand = 'rd' | 'rs1' | 'rs2' | 'rs3';
export type AccessBytes = 1 | 2 | 4 | 8;

export type Expression<T extends IntegerType = IntegerType> = { readonly type: T } & (
  | { readonly op: 'constant'; readonly value: bigint }
  | { readonly op: 'x' | 'f'; readonly operand: RegisterOperand }
  /** The immediate operand, sign-extended where its encoding says so. */
  | { readonly op: 'immediate' }
  | { readonly op: 'pc' | 'nextPc' }
  | { readonly op: 'variable'; readonly name: string }
  | { readonly op: 'arithmetic'; readonly name: ArithmeticName; readonly a: Expression; readonly b: Expression }
  | { readonly op: 'compare'; readonly name: ComparisonName; readonly a: Expression; readonly b: Expression }
  | { readonly op: 'count'; readonly name: CountName; readonly a: Expression }
  | { readonly op: 'product'; readonly name: ProductName; readonly a: Expression; readonly b: Expression }
  | { readonly op: 'wrap' | 'extend_u'; readonly a: Expression }
  /** Sign-extends the low `bits` of a 64-bit value, or a 32-bit value. */
  | { readonly op: 'extend_s'; readonly bits: 8 | 16 | 32; readonly a: Expression }
  /** Evaluates one arm only. */
  | { readonly op: 'choose'; readonly condition: Expression<'i32'>; readonly a: Expression; readonly b: Expression }
  | { readonly op: 'load'; readonly bytes: AccessBytes; readonly signed: boolean; readonly address: Expression }
  /** Atomic read-modify-write; the value read, sign-extended. */
  | {
      readonly op: 'amo';
      readonly name: AmoName;
      readonly bytes: 4 | 8;
      readonly address: Expression;
      readonly value: Expression;
    }
  | { readonly op: 'loadReserved'; readonly bytes: 4 | 8; readonly address: Expression }
  /** 0 when stored, 1 when not. */
  | {
      readonly op: 'storeConditional';
      readonly bytes: 4 | 8;
      readonly address: Expression;
      readonly value: Expression;
    }
  /** Floating point on raw bits; raises flags; with the instruction's rounding mode where the operation rounds. */
  | { readonly op: 'float'; readonly key: FloatKey; readonly args: readonly Expression[] }
);

/** What is not arithmetic: the privileged architecture, in the engine's hands. */
export type SystemName =
  | 'ecall'
  | 'ebreak'
  | 'mret'
  | 'sret'
  | 'wfi'
  | 'fence.i'
  | 'sfence.vma'
  | 'sfence.order'
  | 'cbo.zero'
  | 'cbo.inval'
  | 'cbo.clean';

export type Statement =
  | { readonly do: 'setX'; readonly value: Expression<'i64'> }
  | { readonly do: 'setF'; readonly value: Expression<'i64'> }
  | { readonly do: 'let'; readonly name: string; readonly value: Expression }
  | { readonly do: 'store'; readonly bytes: AccessBytes; readonly address: Expression; readonly value: Expression }
  /** Ends the instruction at `target`, its bit 0 cleared. */
  | { readonly do: 'jump'; readonly target: Expression<'i64'> }
  /** Jumps to pc + immediate if the condition holds. */
  | { readonly do: 'branch'; readonly condition: Expression<'i32'> }
  | { readonly do: 'fence' }
  /** Reads a CSR into rd and writes it (Zicsr): rw writes, rs sets and rc clears the bits of the source. */
  | { readonly do: 'csr'; readonly write: 'rw' | 'rs' | 'rc'; readonly source: 'x' | 'immediate' }
  | { readonly do: 'system'; readonly name: SystemName };

type I32 = Expression<'i32'>;
type I64 = Expression<'i64'>;

export const constant = (value: bigint | number): I64 => ({ op: 'constant', type: 'i64', value: BigInt(value) });
export const constant32 = (value: number): I32 => ({ op: 'constant', type: 'i32', value: BigInt(value) });
const register =
  (op: 'x' | 'f') =>
  (operand: RegisterOperand): I64 => ({ op, type: 'i64', operand });
export const x = register('x');
export const f = register('f');
export const [rs1, rs2] = [x('rs1'), x('rs2')];
export const immediate: I64 = { op: 'immediate', type: 'i64' };
export const pc: I64 = { op: 'pc', type: 'i64' };
export const nextPc: I64 = { op: 'nextPc', type: 'i64' };
export const variable = <T extends IntegerType>(type: T, name: string): Expression<T> => ({
  op: 'variable',
  type,
  name,
});

const arithmetic =
  (name: ArithmeticName) =>
  <T extends IntegerType>(a: Expression<T>, b: Expression<T>): Expression<T> => ({
    op: 'arithmetic',
    type: a.type,
    name,
    a,
    b,
  });
export const add = arithmetic('add');
export const sub = arithmetic('sub');
export const mul = arithmetic('mul');
export const and = arithmetic('and');
export const or = arithmetic('or');
export const xor = arithmetic('xor');
export const shl = arithmetic('shl');
export const shr_s = arithmetic('shr_s');
export const shr_u = arithmetic('shr_u');
export const rotl = arithmetic('rotl');
export const rotr = arithmetic('rotr');
export const div_s = arithmetic('div_s');
export const div_u = arithmetic('div_u');
export const rem_s = arithmetic('rem_s');
export const rem_u = arithmetic('rem_u');

const comparison =
  (name: ComparisonName) =>
  <T extends IntegerType>(a: Expression<T>, b: Expression<T>): I32 => ({ op: 'compare', type: 'i32', name, a, b });
export const eq = comparison('eq');
export const ne = comparison('ne');
export const lt_s = comparison('lt_s');
export const lt_u = comparison('lt_u');
export const ge_s = comparison('ge_s');
export const ge_u = comparison('ge_u');

const count =
  (name: CountName) =>
  <T extends IntegerType>(a: Expression<T>): Expression<T> => ({ op: 'count', type: a.type, name, a });
export const clz = count('clz');
export const ctz = count('ctz');
export const popcnt = count('popcnt');

export const product = (name: ProductName, a: I64, b: I64): I64 => ({ op: 'product', type: 'i64', name, a, b });
export const wrap = (a: I64): I32 => ({ op: 'wrap', type: 'i32', a });
/** A 32-bit value zero-extended. */
export const extend_u = (a: I32): I64 => ({ op: 'extend_u', type: 'i64', a });
/** A 32-bit value sign-extended. */
export const extend_s = (a: I32): I64 => ({ op: 'extend_s', type: 'i64', bits: 32, a });
export const extendLow_s = (bits: 8 | 16 | 32, a: I64): I64 => ({ op: 'extend_s', type: 'i64', bits, a });
export const not = (a: I64): I64 => xor(a, constant(-1));
export const choose = <T extends IntegerType>(condition: I32, a: Expression<T>, b: Expression<T>): Expression<T> => ({
  op: 'choose',
  type: a.type,
  condition,
  a,
  b,
});
export const load = (bytes: AccessBytes, signed: boolean, address: I64): I64 => ({
  op: 'load',
  type: 'i64',
  bytes,
  signed,
  address,
});
export const amo = (name: AmoName, bytes: 4 | 8, address: I64, value: I64): I64 => ({
  op: 'amo',
  type: 'i64',
  name,
  bytes,
  address,
  value,
});
export const loadReserved = (bytes: 4 | 8, address: I64): I64 => ({ op: 'loadReserved', type: 'i64', bytes, address });
export const storeConditional = (bytes: 4 | 8, address: I64, value: I64): I64 => ({
  op: 'storeConditional',
  type: 'i64',
  bytes,
  address,
  value,
});
export const float = (key: FloatKey, ...args: I64[]): I64 => ({ op: 'float', type: 'i64', key, args });

export const setX = (value: I64): Statement => ({ do: 'setX', value });
export const setF = (value: I64): Statement => ({ do: 'setF', value });
export const letBe = (name: string, value: Expression): Statement => ({ do: 'let', name, value });
export const store = (bytes: AccessBytes, address: I64, value: I64): Statement => ({
  do: 'store',
  bytes,
  address,
  value,
});
export const jump = (target: I64): Statement => ({ do: 'jump', target });
export const branch = (condition: I32): Statement => ({ do: 'branch', condition });
export const fence: Statement = { do: 'fence' };
export const csr = (write: 'rw' | 'rs' | 'rc', source: 'x' | 'immediate'): Statement => ({ do: 'csr', write, source });
export const system = (name: SystemName): Statement => ({ do: 'system', name });
