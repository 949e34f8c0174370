import type { FunctionReference } from '../wasm/code.ts';
import * as w from '../wasm/code.ts';
import type { ModuleBuilder } from '../wasm/module.ts';

/** Functions for the products that WebAssembly lacks; keys are the semantics language's names. */
export function declareProducts(module: ModuleBuilder): ReadonlyMap<string, FunctionReference & { result: 'i64' }> {
  const { i64 } = w;
  const c = i64.const;
  const high = module.declare('mulh_uu', ['i64', 'i64'], 'i64');
  // Schoolbook with 32-bit halves: the middle sum cannot overflow 64 bits.
  module.define(high, (scope) => {
    const [a, b] = [scope.parameter(0, 'i64'), scope.parameter(1, 'i64')];
    const [aLow, aHigh, bLow, bHigh] = [scope.local('i64'), scope.local('i64'), scope.local('i64'), scope.local('i64')];
    const [middle, cross] = [scope.local('i64'), scope.local('i64')];
    const low = (v: w.I64): w.I64 => i64.and(v, c(0xffff_ffffn));
    const top = (v: w.I64): w.I64 => i64.shr_u(v, c(32));
    return [
      w.set(aLow, low(a)),
      w.set(aHigh, top(a)),
      w.set(bLow, low(b)),
      w.set(bHigh, top(b)),
      w.set(cross, i64.add(i64.mul(aHigh, bLow), top(i64.mul(aLow, bLow)))),
      w.set(middle, i64.add(i64.mul(aLow, bHigh), low(cross))),
      i64.add(i64.add(i64.mul(aHigh, bHigh), top(cross)), top(middle)),
    ];
  });
  /** a * b for signed a (and b): subtract the other factor where a factor is negative. */
  const correct = (factor: w.I64, other: w.I64): w.I64 => i64.and(i64.shr_s(factor, c(63)), other);
  const signed = module.declare('mulh_ss', ['i64', 'i64'], 'i64');
  module.define(signed, (scope) => {
    const [a, b] = [scope.parameter(0, 'i64'), scope.parameter(1, 'i64')];
    return [i64.sub(i64.sub(w.call(high, a, b), correct(a, b)), correct(b, a))];
  });
  const mixed = module.declare('mulh_su', ['i64', 'i64'], 'i64');
  module.define(mixed, (scope) => {
    const [a, b] = [scope.parameter(0, 'i64'), scope.parameter(1, 'i64')];
    return [i64.sub(w.call(high, a, b), correct(a, b))];
  });

  /** Carry-less: for each bit of b, XOR a shifted by its index: left (low half), or right by 64 - index - `skew`. */
  const carryLess = (name: string, step: (a: w.I64, index: w.I64) => w.I64, first: number) => {
    const reference = module.declare(name, ['i64', 'i64'], 'i64');
    module.define(reference, (scope) => {
      const [a, b] = [scope.parameter(0, 'i64'), scope.parameter(1, 'i64')];
      const [index, sum] = [scope.local('i64'), scope.local('i64')];
      const next = w.label('next');
      return [
        w.set(index, c(first)),
        w.loop(
          next,
          w.set(sum, i64.xor(sum, i64.and(step(a, index), i64.sub(c(0), i64.and(i64.shr_u(b, index), c(1)))))),
          w.set(index, i64.add(index, c(1))),
          w.br_if(next, i64.ne(index, c(64))),
        ),
        sum,
      ];
    });
    return reference;
  };
  return new Map([
    ['mulh_uu', high],
    ['mulh_ss', signed],
    ['mulh_su', mixed],
    ['clmul', carryLess('clmul', (a, index) => i64.shl(a, index), 0)],
    ['clmulh', carryLess('clmulh', (a, index) => i64.shr_u(a, i64.sub(c(64), index)), 1)],
    ['clmulr', carryLess('clmulr', (a, index) => i64.shr_u(a, i64.sub(c(63), index)), 0)],
  ]);
}
