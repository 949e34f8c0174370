import { createModule } from '../../wasm/module.ts';
import { declareFloat } from '../emit.ts';
import { FLAG, FLOAT_KEYS, FLOAT_OPERATIONS, type FloatKey } from '../operations.ts';
import { referenceFloat } from '../reference.ts';
import { createRandom, randomOperands } from './operands.ts';

/** The emitted functions, alone in a module of their own. `value` is unsigned. */
export interface FloatInstance {
  /** Runs one operation; `accrued` are the flags before it, `flags` those after it. */
  run(key: FloatKey, args: readonly bigint[], rm: number, accrued: number): { value: bigint; flags: number };
  readonly functions: Readonly<Record<FloatKey, (...args: (bigint | number)[]) => bigint>>;
  readonly flags: Int32Array;
}

export function createFloatInstance(): FloatInstance {
  const flagsAddress = 16;
  const module = createModule();
  module.importMemory('host', 'memory', { initial: 1, maximum: 1, shared: true });
  const references = declareFloat(module, { flagsAddress });
  for (const key of FLOAT_KEYS) module.export(key, references[key]);
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
  const instance = new WebAssembly.Instance(new WebAssembly.Module(module.encode()), { host: { memory } });
  const functions = instance.exports as FloatInstance['functions'];
  const flags = new Int32Array(memory.buffer, flagsAddress, 1);
  return {
    functions,
    flags,
    run(key, args, rm, accrued) {
      flags[0] = accrued;
      const value = FLOAT_OPERATIONS[key].rounds ? functions[key](...args, rm) : functions[key](...args);
      return { value: BigInt.asUintN(64, value), flags: flags[0] };
    },
  };
}

/** Runs one operation in both, with NX clear and accrued; undefined where they agree, else what differs. */
export function difference(
  instance: FloatInstance,
  key: FloatKey,
  args: readonly bigint[],
  rm: number,
): string | undefined {
  const expected = referenceFloat(key, args, rm);
  for (const accrued of [0, FLAG.NX]) {
    const got = instance.run(key, args, rm, accrued);
    if (got.value !== expected.value || got.flags !== (expected.flags | accrued)) {
      const show = (outcome: { value: bigint; flags: number }) =>
        `0x${outcome.value.toString(16)} flags ${outcome.flags}`;
      const operands = args.map((arg) => `0x${arg.toString(16)}`).join(', ');
      return `${key}(${operands}) rm ${rm} after flags ${accrued}: ${show(got)}, should be ${show({ value: expected.value, flags: expected.flags | accrued })}`;
    }
  }
  return undefined;
}

/** Compares `count` random operations, emitted WebAssembly against the reference; stops at the tenth difference. */
export function compareFloat({ count, seed }: { readonly count: number; readonly seed: number }): {
  compared: number;
  differences: string[];
} {
  const instance = createFloatInstance();
  const random = createRandom(seed);
  const differences: string[] = [];
  let compared = 0;
  while (compared < count && differences.length < 10) {
    const key = FLOAT_KEYS[random() % FLOAT_KEYS.length]!;
    const found = difference(instance, key, randomOperands(key, random), random() % 5);
    compared += 1;
    if (found !== undefined) differences.push(found);
  }
  return { compared, differences };
}
