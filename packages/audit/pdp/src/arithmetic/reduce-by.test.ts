import { expect, test } from 'vitest';
import { seededPrimitives } from '../testing/seeded-primitives.ts';
import { numberFrom } from './modular.ts';
import { reduceBy } from './reduce-by.ts';

const SEED = 'reduction 1';
const { random } = seededPrimitives(SEED);

test(`a reduced number is congruent, and short (seed "${SEED}")`, () => {
  for (const orderBytes of [1, 64, 127, 128, 255, 383, 512])
    for (const fill of [undefined, 255]) {
      const order = fill === undefined ? random(orderBytes) : new Uint8Array(orderBytes).fill(fill);
      order[orderBytes - 1]! |= 1;
      const reduce = reduceBy(order);
      for (const length of [0, 1, 63, orderBytes, 2047, 2048, 2049, 5001, 16385])
        for (const number of [random(length), new Uint8Array(length), new Uint8Array(length).fill(255)]) {
          const reduced = reduce(number);
          expect(reduced.length).toBe(orderBytes + 5);
          expect(numberFrom(reduced) % numberFrom(order), `${orderBytes} ${length}`).toBe(
            numberFrom(number) % numberFrom(order),
          );
        }
    }
});
