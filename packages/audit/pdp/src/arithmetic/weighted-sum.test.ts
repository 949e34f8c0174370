import { expect, test } from 'vitest';
import { seededPrimitives } from '../testing/seeded-primitives.ts';
import { numberBytes, numberFrom } from './modular.ts';
import { weightedSum } from './weighted-sum.ts';

const SEED = 'weighted sums 1';
const { random } = seededPrimitives(SEED);

test(`a weighted sum is exact (seed "${SEED}")`, () => {
  for (const bytes of [1, 16, 33, 1000]) {
    const sum = weightedSum(bytes);
    let expected = 0n;
    for (let term = 0; term < 50; term += 1) {
      const [coefficient, number] =
        term % 10 === 0 ? [new Uint8Array(16).fill(255), new Uint8Array(bytes).fill(255)] : [random(16), random(bytes)];
      sum.add(coefficient, number);
      expected += numberFrom(coefficient) * numberFrom(number);
      if (term % 7 === 0) expect(numberFrom(sum.bytes())).toBe(expected);
    }
    expect(numberFrom(sum.bytes())).toBe(expected);
    expect(numberFrom(numberBytes(expected, bytes + 20))).toBe(expected);
  }
});
