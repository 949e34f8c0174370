import { expect, test } from 'vitest';
import { seededPrimitives } from '../testing/seeded-primitives.ts';
import { numberBytes, numberFrom } from './modular.ts';
import { reduceBy, weightedSum } from './secret-exponent.ts';

const SEED = 'secret exponents 1';
const { random } = seededPrimitives(SEED);

test(`a reduced number is congruent, and short (seed "${SEED}")`, () => {
  for (const orderBytes of [64, 127, 128, 255, 383])
    for (const fill of [undefined, 255]) {
      const order = fill === undefined ? random(orderBytes) : new Uint8Array(orderBytes).fill(fill);
      order[orderBytes - 1]! |= 1;
      const reduce = reduceBy(order);
      for (const length of [0, 1, 63, orderBytes, 2047, 2048, 2049, 5001, 16385])
        for (const number of [random(length), new Uint8Array(length), new Uint8Array(length).fill(255)]) {
          const reduced = reduce(number);
          expect(reduced.length).toBe(orderBytes + 4);
          expect(numberFrom(reduced) % numberFrom(order), `${orderBytes} ${length}`).toBe(
            numberFrom(number) % numberFrom(order),
          );
        }
    }
});

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
