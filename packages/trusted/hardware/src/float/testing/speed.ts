import { br_if, type Code, call, get, type I32, i32, i64, label, loop, set } from '../../wasm/code.ts';
import { createModule } from '../../wasm/module.ts';
import { declareFloat } from '../emit.ts';
import { FLAG, FLOAT_KEYS, FLOAT_OPERATIONS, type FloatKey } from '../operations.ts';
import { createRandom } from './operands.ts';

const FLAGS_ADDRESS = 16;
const OPERANDS = 1024;
const SETS = 512;
const OPERAND_BYTES = 24;

/**
 * Nanoseconds for each operation, called from a WebAssembly loop over 512 sets of ordinary operands (normal numbers
 * between 2^-4 and 2^4, integers of up to 53 bits), loop and loads included. `accrued`: NX is set, rounding is to
 * nearest, so the hardware's results will do; `first`: NX is cleared before every call; `directed`: rounding down.
 */
export function measureFloat(calls = 2_000_000): { key: FloatKey; accrued: number; first: number; directed: number }[] {
  const module = createModule();
  module.importMemory('host', 'memory', { initial: 2, maximum: 2, shared: true });
  const functions = declareFloat(module, { flagsAddress: FLAGS_ADDRESS });
  for (const key of FLOAT_KEYS) {
    const { arity, rounds } = FLOAT_OPERATIONS[key];
    const run = module.declare(`run ${key}`, ['i32', 'i32', 'i32'], 'i64');
    module.define(run, (scope) => {
      const [count, rm, flags] = [scope.parameter(0, 'i32'), scope.parameter(1, 'i32'), scope.parameter(2, 'i32')];
      const [result, at] = [scope.local('i64'), scope.local('i32')];
      const again = label('again');
      const address: I32 = i32.mul(i32.and(count, i32.const(SETS - 1)), i32.const(OPERAND_BYTES));
      const operands: Code[] = [0, 8, 16].slice(0, arity).map((offset) => i64.load(get(at), OPERANDS + offset));
      return [
        loop(
          again,
          set(at, address),
          i32.store(i32.const(FLAGS_ADDRESS), flags),
          set(result, i64.xor(result, call(functions[key], ...operands, ...(rounds ? [rm] : [])))),
          set(count, i32.sub(count, i32.const(1))),
          br_if(again, count),
        ),
        result,
      ];
    });
    module.export(key, run);
  }
  const memory = new WebAssembly.Memory({ initial: 2, maximum: 2, shared: true });
  const instance = new WebAssembly.Instance(new WebAssembly.Module(module.encode()), { host: { memory } });
  const bytes = new DataView(memory.buffer);
  return FLOAT_KEYS.map((key) => {
    fillOperands(bytes, key);
    const run = instance.exports[key] as (count: number, rm: number, flags: number) => bigint;
    const measure = (rm: number, flags: number): number => {
      run(calls, rm, flags);
      const start = performance.now();
      run(calls, rm, flags);
      return Math.round(((performance.now() - start) * 1e7) / calls) / 10;
    };
    return { key, accrued: measure(0, FLAG.NX), first: measure(0, 0), directed: measure(2, FLAG.NX) };
  });
}

function fillOperands(bytes: DataView, key: FloatKey): void {
  const random = createRandom(1);
  for (let at = OPERANDS; at < OPERANDS + SETS * OPERAND_BYTES; at += 8) {
    const value = (0.5 + random() / 2 ** 33 + random() / 2 ** 65) * 2 ** ((random() % 9) - 4);
    bytes.setBigUint64(at, 0n, true);
    if (/from_[iu]/.test(key)) bytes.setBigInt64(at, BigInt(Math.floor(value * 2 ** 49)), true);
    else if (/^f32\.(?!from_f64)|from_f32/.test(key)) bytes.setFloat32(at, value, true);
    else bytes.setFloat64(at, value, true);
  }
}
