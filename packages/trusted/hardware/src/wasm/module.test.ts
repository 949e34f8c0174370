import { expect, test } from 'vitest';
import { block, br_if, br_table, call, callIndirect, get, i32, i64, label, loop, ret, set, when } from './code.ts';
import { createModule } from './module.ts';

function instantiate(bytes: Uint8Array): Record<string, (...args: never[]) => unknown> {
  return new WebAssembly.Instance(new WebAssembly.Module(bytes), {}).exports as never;
}

test('loops, calls and constants of every length', () => {
  const module = createModule();
  const factorial = module.declare('factorial', ['i64'], 'i64');
  module.define(factorial, (scope) => {
    const n = scope.parameter(0, 'i64');
    const product = scope.local('i64');
    const again = label('again');
    return [
      set(product, i64.const(1)),
      loop(
        again,
        when(i64.gt_u(get(n), i64.const(1)), [
          set(product, i64.mul(product, n)),
          set(n, i64.sub(n, i64.const(1))),
          br_if(again, i32.const(1)),
        ]),
      ),
      product,
    ];
  });
  const constants = [0n, 63n, 64n, -64n, -65n, 2n ** 63n - 1n, -(2n ** 63n)];
  constants.forEach((value, index) => {
    const constant = module.declare(`constant${index}`, [], 'i64');
    module.define(constant, () => [i64.const(value)]);
    module.export(`constant${index}`, constant);
  });
  module.export('factorial', factorial);
  const exports = instantiate(module.encode());
  expect(exports.factorial!(20n as never)).toBe(2432902008176640000n);
  constants.forEach((value, index) => {
    expect(exports[`constant${index}`]!()).toBe(value);
  });
});

test('tables and switches', () => {
  const module = createModule();
  const pick = module.declare('pick', ['i32'], 'i32');
  const double = module.declare('double', ['i32'], 'i32');
  module.define(double, (scope) => [i32.mul(scope.parameter(0, 'i32'), i32.const(2))]);
  const index = module.tableIndex(double);
  module.define(pick, (scope) => {
    const n = scope.parameter(0, 'i32');
    const [zero, one, other] = [label('zero'), label('one'), label('other')];
    return [
      block(
        other,
        block(one, block(zero, br_table(n, [zero, one], other)), ret(i32.const(100))),
        ret(callIndirect(['i32'], 'i32', i32.const(index), n)),
      ),
      call(double, i32.const(-1)),
    ];
  });
  module.export('pick', pick);
  const { pick: run } = instantiate(module.encode());
  expect([0, 1, 2].map((n) => run!(n as never))).toEqual([100, 2, -2]);
});

test('a branch to a label that does not enclose it is an error', () => {
  const module = createModule();
  const broken = module.declare('broken', [], 'none');
  module.define(broken, () => [br_if(label('nowhere'), i32.const(1))]);
  expect(() => module.encode()).toThrow('Label "nowhere" does not enclose its branch');
});
