import type { FloatKey } from '../float/operations.ts';
import type { AccessBytes, AmoName, Expression, IntegerType, RegisterOperand, Statement } from '../isa/semantics.ts';
import * as w from '../wasm/code.ts';

/**
 * From the semantics language to WebAssembly. What a register, an access or a jump is, the target says: the interpreter
 * reads registers from memory through the record, a translator keeps them in locals.
 */
export interface Target {
  local<T extends IntegerType>(type: T): w.Local<T> & w.Code<T>;
  x(operand: RegisterOperand): w.I64;
  f(operand: RegisterOperand): w.I64;
  setX(value: w.I64): w.Code;
  setF(value: w.I64): w.Code;
  immediate(): w.I64;
  pc(): w.I64;
  nextPc(): w.I64;
  load(bytes: AccessBytes, signed: boolean, address: w.I64): w.I64;
  store(bytes: AccessBytes, address: w.I64, value: w.I64): w.Code;
  amo(name: AmoName, bytes: 4 | 8, address: w.I64, value: w.I64): w.I64;
  loadReserved(bytes: 4 | 8, address: w.I64): w.I64;
  storeConditional(bytes: 4 | 8, address: w.I64, value: w.I64): w.I64;
  product(name: string, a: w.I64, b: w.I64): w.I64;
  float(key: FloatKey, args: readonly w.I64[]): w.I64;
  jump(target: w.I64): w.Code;
  branch(condition: w.I32): w.Code;
  csr(): w.Code;
  system(name: string): w.Code;
}

type Variables = Map<string, w.Local & w.Code>;

export function lowerAll(statements: readonly Statement[], target: Target): w.Code[] {
  const variables: Variables = new Map();
  return statements.map((statement) => lowerStatement(statement, target, variables));
}

function lowerStatement(statement: Statement, target: Target, variables: Variables): w.Code {
  const wide = (expression: Expression): w.I64 => lower(expression, target, variables) as w.I64;
  switch (statement.do) {
    case 'setX':
      return target.setX(wide(statement.value));
    case 'setF':
      return target.setF(wide(statement.value));
    case 'let': {
      const local = target.local(statement.value.type);
      variables.set(statement.name, local);
      return w.set(local, lower(statement.value, target, variables) as never);
    }
    case 'store':
      return target.store(statement.bytes, wide(statement.address), wide(statement.value));
    case 'jump':
      return target.jump(wide(statement.target));
    case 'branch':
      return target.branch(lower(statement.condition, target, variables) as w.I32);
    case 'fence':
      return w.fence();
    case 'csr':
      return target.csr();
    case 'system':
      return target.system(statement.name);
  }
}

function lower(expression: Expression, target: Target, variables: Variables): w.Code {
  const inner = (e: Expression): w.Code => lower(e, target, variables);
  const wide = (e: Expression): w.I64 => inner(e) as w.I64;
  switch (expression.op) {
    case 'constant':
      return expression.type === 'i32' ? w.i32.const(Number(expression.value)) : w.i64.const(expression.value);
    case 'x':
      return target.x(expression.operand);
    case 'f':
      return target.f(expression.operand);
    case 'immediate':
      return target.immediate();
    case 'pc':
      return target.pc();
    case 'nextPc':
      return target.nextPc();
    case 'variable':
      return variables.get(expression.name)!;
    case 'arithmetic':
      return expression.type === 'i32'
        ? w.i32[expression.name](inner(expression.a) as w.I32, inner(expression.b) as w.I32)
        : w.i64[expression.name](wide(expression.a), wide(expression.b));
    case 'compare':
      return expression.a.type === 'i32'
        ? w.i32[expression.name](inner(expression.a) as w.I32, inner(expression.b) as w.I32)
        : w.i64[expression.name](wide(expression.a), wide(expression.b));
    case 'count':
      return expression.type === 'i32'
        ? w.i32[expression.name](inner(expression.a) as w.I32)
        : w.i64[expression.name](wide(expression.a));
    case 'product':
      return target.product(expression.name, wide(expression.a), wide(expression.b));
    case 'wrap':
      return w.i32.wrap_i64(wide(expression.a));
    case 'extend_u':
      return w.i64.extend_i32_u(inner(expression.a) as w.I32);
    case 'extend_s':
      if (expression.a.type === 'i32') return w.i64.extend_i32_s(inner(expression.a) as w.I32);
      return w.i64[`extend${expression.bits}_s`](wide(expression.a));
    case 'choose':
      return w.choose(
        expression.type,
        inner(expression.condition) as w.I32,
        [inner(expression.a)],
        [inner(expression.b)],
      );
    case 'load':
      return target.load(expression.bytes, expression.signed, wide(expression.address));
    case 'amo':
      return target.amo(expression.name, expression.bytes, wide(expression.address), wide(expression.value));
    case 'loadReserved':
      return target.loadReserved(expression.bytes, wide(expression.address));
    case 'storeConditional':
      return target.storeConditional(expression.bytes, wide(expression.address), wide(expression.value));
    case 'float':
      return target.float(expression.key, expression.args.map(wide));
  }
}
