import { createRandom } from '../../packages/trusted/hardware/src/float/testing/operands.ts';

/** Random choices, all drawn from one generator, so that a seed and a number name a program for ever. */
export interface Choice {
  readonly bits: () => number;
  /** An integer from 0 to bound - 1. */
  below(bound: number): number;
  /** True once in `times`. */
  once(times: number): boolean;
  pick<T>(list: readonly T[]): T;
  wide(): bigint;
}

export function createChoice(seed: number, number: number): Choice {
  const bits = createRandom((Math.imul(seed, 0x85eb_ca6b) ^ Math.imul(number + 1, 0xc2b2_ae35)) >>> 0);
  const below = (bound: number): number => Math.floor((bits() / 2 ** 32) * bound);
  return {
    bits,
    below,
    once: (times) => below(times) === 0,
    pick: (list) => list[below(list.length)]!,
    wide: () => (BigInt(bits()) << 32n) | BigInt(bits()),
  };
}
