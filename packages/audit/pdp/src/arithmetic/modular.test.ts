import { expect, test } from 'vitest';
import { seededPrimitives } from '../testing/seeded-primitives.ts';
import { gcd, inverse, numberBytes, numberFrom } from './modular.ts';

const SEED = 'modular arithmetic 1';
const { random } = seededPrimitives(SEED);

test('a number is its bytes, most significant first', () => {
  expect(numberFrom(Uint8Array.of(1, 2))).toBe(258n);
  expect(numberFrom(new Uint8Array(0))).toBe(0n);
  expect(numberBytes(258n, 4)).toEqual(Uint8Array.of(0, 0, 1, 2));
});

test(`an inverse is one, where there is one (seed "${SEED}")`, () => {
  for (let round = 0; round < 50; round += 1) {
    const modulus = numberFrom(random(32)) | 1n;
    const value = numberFrom(random(32)) % modulus;
    const found = inverse(value, modulus);
    if (gcd(value, modulus) === 1n) expect((found! * value) % modulus).toBe(1n);
    else expect(found).toBeUndefined();
  }
  expect(inverse(0n, 15n)).toBeUndefined();
  expect(inverse(5n, 15n)).toBeUndefined();
});
