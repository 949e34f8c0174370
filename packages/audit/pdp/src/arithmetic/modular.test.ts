import { expect, test } from 'vitest';
import { seededPrimitives } from '../testing/seeded-primitives.ts';
import { gcd, inverse, numberBytes, numberFrom, productOfPowers } from './modular.ts';

const SEED = 'modular arithmetic 1';
const { random } = seededPrimitives(SEED);

function power(base: bigint, exponent: bigint, modulus: bigint): bigint {
  let result = 1n;
  for (const bit of exponent.toString(2))
    result = (((result * result) % modulus) * (bit === '1' ? base : 1n)) % modulus;
  return result;
}

test('a number is its bytes, most significant first', () => {
  expect(numberFrom(Uint8Array.of(1, 2))).toBe(258n);
  expect(numberFrom(new Uint8Array(0))).toBe(0n);
  expect(numberBytes(258n, 4)).toEqual(Uint8Array.of(0, 0, 1, 2));
});

test(`a product of powers is the powers one by one (seed "${SEED}")`, () => {
  const modulus = numberFrom(random(64)) | 1n;
  for (const terms of [0, 1, 2, 60, 1025])
    for (const bytes of [0, 1, 16]) {
      const powers = productOfPowers(modulus);
      let expected = 1n;
      for (let term = 0; term < terms; term += 1) {
        const base = numberFrom(random(64)) % modulus;
        const exponent = term === 3 ? 0n : numberFrom(random(bytes));
        powers.multiply(base, exponent);
        expected = (expected * power(base, exponent, modulus)) % modulus;
      }
      expect(powers.product(), `${terms} terms of ${bytes} bytes`).toBe(expected);
      expect(powers.product()).toBe(expected);
    }
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
