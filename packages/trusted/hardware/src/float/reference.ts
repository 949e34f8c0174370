import { FLOAT_OPERATIONS, type FloatKey, type FormatName, type OperationName, ROUNDING } from './operations.ts';
import { ARITHMETIC } from './reference-arithmetic.ts';
import { COMPARISONS } from './reference-compare.ts';
import { CONVERSIONS, convert } from './reference-convert.ts';
import { DOUBLE, type Outcome, SINGLE } from './reference-number.ts';

const OPERATIONS = { ...ARITHMETIC, ...COMPARISONS, ...CONVERSIONS } satisfies Record<OperationName, unknown>;

/**
 * RISC-V F and D over BigInt: each result is worked out exactly, as a fraction, and rounded once. Slow and plain on
 * purpose; it shares the table of operations with the emitted WebAssembly and no code, so that each checks the other.
 * `args` are raw bits (registers for `from_*`), `rm` is a static rounding mode (ignored where nothing is rounded);
 * `value` is unsigned, `flags` are those that this one operation raises.
 */
export function referenceFloat(key: FloatKey, args: readonly bigint[], rm: number): Outcome {
  const { arity } = FLOAT_OPERATIONS[key];
  if (args.length !== arity) throw new Error(`Operation "${key}" takes ${arity} operands, not ${args.length}`);
  const operands = args.map((arg) => BigInt.asUintN(64, arg));
  if (key === 'f32.from_f64') return convert(DOUBLE, SINGLE, operands[0]!, rm);
  if (key === 'f64.from_f32') return convert(SINGLE, DOUBLE, operands[0]!, ROUNDING.RNE);
  const [format, name] = key.split('.') as [FormatName, OperationName];
  return OPERATIONS[name](format === 'f32' ? SINGLE : DOUBLE, operands, rm);
}
