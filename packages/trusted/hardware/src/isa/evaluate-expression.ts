import { referenceFloat } from '../float/reference.ts';
import { type EvaluatorHart, type EvaluatorMachine, type Instance, raiseTrap, TRAP } from './evaluate-machine.ts';
import type {
  AmoName,
  ArithmeticName,
  ComparisonName,
  CountName,
  Expression,
  IntegerType,
  ProductName,
} from './semantics.ts';

/** Values are unsigned: 0 <= value < 2^32 or 2^64. */
export interface Evaluation {
  readonly hart: EvaluatorHart;
  readonly machine: EvaluatorMachine;
  readonly instance: Instance;
  readonly variables: Map<string, bigint>;
  /** The static rounding mode, resolved. */
  readonly rounding: number;
}

const widthOf = (type: IntegerType): number => (type === 'i32' ? 32 : 64);
const signed = (width: number, value: bigint): bigint => BigInt.asIntN(width, value);

/** Quotients and remainders are cut towards zero; a division by zero is a fault of the table. */
function arithmetic(name: ArithmeticName, width: number, a: bigint, b: bigint): bigint {
  const shift = b % BigInt(width);
  switch (name) {
    case 'add':
      return a + b;
    case 'sub':
      return a - b;
    case 'mul':
      return a * b;
    case 'and':
      return a & b;
    case 'or':
      return a | b;
    case 'xor':
      return a ^ b;
    case 'shl':
      return a << shift;
    case 'shr_u':
      return a >> shift;
    case 'shr_s':
      return signed(width, a) >> shift;
    case 'rotl':
      return (a << shift) | (a >> (BigInt(width) - shift));
    case 'rotr':
      return (a >> shift) | (a << (BigInt(width) - shift));
    case 'div_u':
      return a / b;
    case 'div_s':
      return signed(width, a) / signed(width, b);
    case 'rem_u':
      return a % b;
    case 'rem_s':
      return signed(width, a) % signed(width, b);
  }
}

function compare(name: ComparisonName, width: number, a: bigint, b: bigint): boolean {
  switch (name) {
    case 'eq':
      return a === b;
    case 'ne':
      return a !== b;
    case 'lt_u':
      return a < b;
    case 'ge_u':
      return a >= b;
    case 'lt_s':
      return signed(width, a) < signed(width, b);
    case 'ge_s':
      return signed(width, a) >= signed(width, b);
  }
}

function count(name: CountName, width: number, a: bigint): number {
  const bits = a.toString(2);
  switch (name) {
    case 'clz':
      return a === 0n ? width : width - bits.length;
    case 'ctz':
      return a === 0n ? width : bits.length - 1 - bits.lastIndexOf('1');
    case 'popcnt':
      return bits.replaceAll('0', '').length;
  }
}

/** The sum without carries of a, shifted by each bit of b: 127 bits (Zbc §1.4). */
function carryLess(a: bigint, b: bigint): bigint {
  let sum = 0n;
  for (let bit = 0n; bit < 64n; bit += 1n) if ((b >> bit) & 1n) sum ^= a << bit;
  return sum;
}

function product(name: ProductName, a: bigint, b: bigint): bigint {
  switch (name) {
    case 'mulh_ss':
      return (signed(64, a) * signed(64, b)) >> 64n;
    case 'mulh_su':
      return (signed(64, a) * b) >> 64n;
    case 'mulh_uu':
      return (a * b) >> 64n;
    case 'clmul':
      return carryLess(a, b);
    case 'clmulh':
      return carryLess(a, b) >> 64n;
    case 'clmulr':
      return carryLess(a, b) >> 63n;
  }
}

/** What an atomic operation stores (unprivileged specification, chapter "A"). */
function amo(name: AmoName, width: number, memory: bigint, source: bigint): bigint {
  const less = signed(width, memory) < signed(width, source);
  switch (name) {
    case 'swap':
      return source;
    case 'add':
      return memory + source;
    case 'xor':
      return memory ^ source;
    case 'and':
      return memory & source;
    case 'or':
      return memory | source;
    case 'min':
      return less ? memory : source;
    case 'max':
      return less ? source : memory;
    case 'minu':
      return memory < source ? memory : source;
    case 'maxu':
      return memory < source ? source : memory;
  }
}

const aligned = (address: bigint, bytes: number, cause: number): bigint =>
  address % BigInt(bytes) === 0n ? address : raiseTrap(cause, address);

/** An expression's value, as an unsigned number of the expression's width. */
export function evaluateExpression(expression: Expression, evaluation: Evaluation): bigint {
  return BigInt.asUintN(widthOf(expression.type), unlimitedValue(expression, evaluation));
}

function unlimitedValue(e: Expression, evaluation: Evaluation): bigint {
  const { hart, machine, instance } = evaluation;
  const value = (inner: Expression): bigint => evaluateExpression(inner, evaluation);
  switch (e.op) {
    case 'constant':
      return e.value;
    case 'x':
      return hart.x[instance.operands[e.operand]]!;
    case 'f':
      return hart.f[instance.operands[e.operand]]!;
    case 'immediate':
      return BigInt(instance.operands.immediate);
    case 'pc':
      return hart.pc;
    case 'nextPc':
      return hart.pc + BigInt(instance.length);
    case 'variable': {
      const variable = evaluation.variables.get(e.name);
      if (variable === undefined) throw new Error(`Variable "${e.name}" is read before it is set`);
      return variable;
    }
    case 'arithmetic':
      return arithmetic(e.name, widthOf(e.type), value(e.a), value(e.b));
    case 'compare':
      return compare(e.name, widthOf(e.a.type), value(e.a), value(e.b)) ? 1n : 0n;
    case 'count':
      return BigInt(count(e.name, widthOf(e.type), value(e.a)));
    case 'product':
      return product(e.name, value(e.a), value(e.b));
    case 'wrap':
    case 'extend_u':
      return value(e.a);
    case 'extend_s':
      return signed(e.bits, value(e.a));
    case 'choose':
      return value(value(e.condition) === 0n ? e.b : e.a);
    case 'load': {
      const loaded = machine.load(value(e.address), e.bytes, 'load');
      return e.signed ? signed(8 * e.bytes, loaded) : loaded;
    }
    case 'amo': {
      const address = aligned(value(e.address), e.bytes, TRAP.storeMisaligned);
      const memory = machine.load(address, e.bytes, 'amo');
      const width = 8 * e.bytes;
      const stored = amo(e.name, width, memory, BigInt.asUintN(width, value(e.value)));
      machine.store(address, e.bytes, BigInt.asUintN(width, stored));
      return signed(width, memory);
    }
    case 'loadReserved': {
      const address = aligned(value(e.address), e.bytes, TRAP.loadMisaligned);
      const loaded = machine.load(address, e.bytes, 'load');
      hart.reservation = { address, value: loaded };
      return signed(8 * e.bytes, loaded);
    }
    case 'storeConditional': {
      const address = aligned(value(e.address), e.bytes, TRAP.storeMisaligned);
      // Write permission is asked for whether or not it will fail, as an AMO does.
      const memory = machine.load(address, e.bytes, 'amo');
      const { reservation } = hart;
      hart.reservation = undefined;
      // Another's store of the same value goes unseen, as with the emitted code's compare-and-exchange.
      if (reservation?.address !== address || reservation.value !== memory) return 1n;
      machine.store(address, e.bytes, BigInt.asUintN(8 * e.bytes, value(e.value)));
      return 0n;
    }
    case 'float': {
      const outcome = referenceFloat(e.key, e.args.map(value), evaluation.rounding);
      hart.fflags |= outcome.flags;
      // Dirty though no flag may be new: FS may be imprecise that way (privileged specification §3.1.6.6).
      hart.fs = 3;
      return outcome.value;
    }
  }
}
