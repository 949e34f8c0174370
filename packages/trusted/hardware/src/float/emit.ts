import type { ModuleBuilder } from '../wasm/module.ts';
import { defineAddition } from './emit-add.ts';
import { defineClassify, defineComparisons, defineExtremes } from './emit-compare.ts';
import { defineFromInteger, defineNarrowing, defineToInteger, defineWidening } from './emit-convert.ts';
import { defineDivision, defineSquareRoot } from './emit-divide.ts';
import { DOUBLE, type Format, SINGLE } from './emit-format.ts';
import { defineFusedMultiplyAdd } from './emit-fused.ts';
import { defineMultiplication } from './emit-multiply.ts';
import { defineNaN, defineRound, type Emission, type Reference } from './emit-round.ts';
import { FLOAT_KEYS, FLOAT_OPERATIONS, type FloatKey, type OperationName } from './operations.ts';

/** The emitted functions by key: i64 operands, then an i32 rounding mode where the operation rounds, to i64. */
export type FloatFunctions = Readonly<Record<FloatKey, Reference>>;

/**
 * Declares and defines RISC-V's F and D arithmetic in a module (see operations.ts). Exception flags are ORed into the
 * i32 at `flagsAddress` of the module's memory; a rounding mode must be a static one. To integer arithmetic it adds
 * WebAssembly's own where that is known to give the same bits and flags: rounding to nearest even with NX accrued.
 */
export function declareFloat(module: ModuleBuilder, options: { readonly flagsAddress: number }): FloatFunctions {
  const functions = Object.fromEntries(
    FLOAT_KEYS.map((key) => {
      const { arity, rounds } = FLOAT_OPERATIONS[key];
      const operands = Array.from({ length: arity }, () => 'i64' as const);
      return [key, module.declare(key, rounds ? [...operands, 'i32'] : operands, 'i64')];
    }),
  ) as Record<FloatKey, Reference>;
  const [single, double] = [SINGLE, DOUBLE].map((format) => {
    const emission = emissionFor(module, format, options.flagsAddress);
    defineFormat(emission, (name) => functions[`${format.name}.${name}`]);
    return emission;
  }) as [Emission, Emission];
  defineNarrowing(single, double, functions['f32.from_f64']);
  defineWidening(single, double, functions['f64.from_f32']);
  return functions;
}

function emissionFor(module: ModuleBuilder, format: Format, flagsAddress: number): Emission {
  return {
    module,
    format,
    flagsAddress,
    round: module.declare(`${format.name}.round`, ['i64', 'i64', 'i64', 'i32'], 'i64'),
    nan: module.declare(`${format.name}.nan`, ['i64', 'i64'], 'i64'),
  };
}

function defineFormat(emission: Emission, operation: (name: OperationName) => Reference): void {
  defineRound(emission);
  defineNaN(emission);
  defineAddition(emission, operation('add'), operation('sub'));
  defineMultiplication(emission, operation('mul'));
  defineDivision(emission, operation('div'));
  defineSquareRoot(emission, operation('sqrt'));
  defineFusedMultiplyAdd(emission, operation('fma'));
  defineExtremes(emission, operation('min'), operation('max'));
  defineComparisons(emission, operation('eq'), operation('lt'), operation('le'));
  defineClassify(emission, operation('classify'));
  for (const width of [32, 64] as const) {
    defineToInteger(emission, operation(`to_i${width}`), width, true);
    defineToInteger(emission, operation(`to_u${width}`), width, false);
    defineFromInteger(emission, operation(`from_i${width}`), width, true);
    defineFromInteger(emission, operation(`from_u${width}`), width, false);
  }
}
