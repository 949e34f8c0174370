import { expect, test } from 'vitest';
import { seededPrimitives } from '../testing/seeded-primitives.ts';
import { numberBytes, numberFrom } from './modular.ts';
import { productOfPowers } from './product-of-powers.ts';

const SEED = 'product of powers 1';
const { random } = seededPrimitives(SEED);

function power(base: bigint, exponent: bigint, modulus: bigint): bigint {
  let result = 1n;
  for (const bit of exponent.toString(2))
    result = (((result * result) % modulus) * (bit === '1' ? base : 1n)) % modulus;
  return result;
}

const odd = (bytes: Uint8Array): bigint => numberFrom(bytes) | 1n;
const ones = (length: number): Uint8Array => new Uint8Array(length).fill(255);

function oneByOne(modulus: bigint, bases: readonly Uint8Array[], exponents: readonly Uint8Array[]): bigint {
  return bases.reduce(
    (product, base, at) => (product * power(numberFrom(base) % modulus, numberFrom(exponents[at]!), modulus)) % modulus,
    1n % modulus,
  );
}
function check(modulus: bigint, bases: readonly Uint8Array[], exponents: readonly Uint8Array[]): void {
  const what = `${bases.length} terms modulo ${modulus}`;
  expect(productOfPowers(modulus, bases, exponents), what).toBe(oneByOne(modulus, bases, exponents));
}

test(`a product of powers is the powers one by one (seed "${SEED}")`, () => {
  const modulus = odd(random(64));
  for (const terms of [0, 1, 2, 60, 1025])
    for (const bytes of [0, 1, 16]) {
      const exponents = Array.from({ length: terms }, (_, at) => (at === 3 ? Uint8Array.of(0) : random(bytes)));
      check(
        modulus,
        exponents.map(() => random(80)),
        exponents,
      );
    }
});

test(`whatever the numbers are, and how long (seed "${SEED}")`, () => {
  for (const length of [1, 8, 127, 128, 255, 256, 383, 384, 512])
    for (const modulus of [odd(ones(length)), odd(random(length)), (1n << BigInt(8 * length - 1)) | 1n]) {
      const [bases, exponents] = [
        [ones(length + 16), ones(length + 16), ones(length), random(length + 16), random(length), random(length)],
        [ones(16), ones(16), Uint8Array.of(1), random(17), Uint8Array.of(2), random(64)],
      ];
      check(modulus, bases, exponents);
      check(modulus, [...bases, new Uint8Array(length)], [...exponents, Uint8Array.of(0)]);
      check(modulus, [...bases, new Uint8Array(length)], [...exponents, Uint8Array.of(1)]);
    }
});

test(`one exponent above all others, and equal ones (seed "${SEED}")`, () => {
  const modulus = odd(random(128));
  const bases = Array.from({ length: 5 }, () => random(144));
  for (const exponents of [
    [1, 2 ** 31, 1, 1, 1],
    [7, 7, 7, 7, 7],
    [2 ** 53 - 1, 2 ** 53 - 2, 2 ** 53 - 3, 0, 1],
  ])
    check(
      modulus,
      bases,
      exponents.map((exponent) => numberBytes(BigInt(exponent) << 100n, 20)),
    );
  // As doubles they are one number.
  check(
    modulus,
    bases,
    [3, 1, 0, 2, 1].map((low) => numberBytes((1n << 127n) + BigInt(low), 16)),
  );
});
