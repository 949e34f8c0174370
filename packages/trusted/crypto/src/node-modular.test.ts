import { randomBytes } from 'node:crypto';
import { beforeAll, describe, expect, test } from 'vitest';
import { nodePrimitives } from './index.ts';

const big = (bytes: Uint8Array): bigint => BigInt(`0x${Buffer.from(bytes).toString('hex')}`);
const bytes = (value: bigint, length: number): Uint8Array =>
  new Uint8Array(Buffer.from(value.toString(16).padStart(2 * length, '0'), 'hex'));

function power(base: bigint, exponent: bigint, modulus: bigint): bigint {
  let result = 1n;
  for (const bit of exponent.toString(2))
    result = (((result * result) % modulus) * (bit === '1' ? base : 1n)) % modulus;
  return result;
}

describe('powers modulo an odd number', () => {
  const LENGTH = 64;

  test('are those that BigInt computes, whatever the exponent is as long as', async () => {
    for (let round = 0; round < 20; round += 1) {
      const modulus = new Uint8Array(randomBytes(LENGTH));
      modulus[0]! |= 0x80;
      modulus[LENGTH - 1]! |= 1;
      const numbers = nodePrimitives.modulus(modulus);
      for (const length of [1, 16, LENGTH, LENGTH + 5, 300]) {
        const base = big(randomBytes(LENGTH)) % big(modulus);
        const exponent = randomBytes(length);
        expect(
          big(await numbers.power(bytes(base, LENGTH), exponent)),
          `${big(modulus)} ${base} ${exponent.toString('hex')}`,
        ).toBe(power(base, big(exponent), big(modulus)));
      }
    }
  });

  test('of 0, 1 and -1, and those that are 1 or -1, are there too, though OpenSSL refuses them', async () => {
    const prime = await nodePrimitives.prime(512, 'safe');
    const p = big(prime);
    const half = bytes((p - 1n) / 2n, LENGTH);
    const numbers = nodePrimitives.modulus(prime);
    for (const base of [0n, 1n, 4n, p - 4n, p - 1n])
      for (const exponent of [new Uint8Array(0), Uint8Array.of(0), Uint8Array.of(1), Uint8Array.of(2), half]) {
        const expected = power(base, exponent.length === 0 ? 0n : big(exponent), p);
        const result = await numbers.power(bytes(base, LENGTH), exponent);
        expect(result.length).toBe(LENGTH);
        expect(big(result)).toBe(expected);
      }
  });
});

describe('primes and RSA', () => {
  const BITS = 256;
  let p: bigint;
  let q: bigint;
  beforeAll(async () => {
    [p, q] = (await Promise.all([0, 1].map(() => nodePrimitives.prime(BITS, 'safe')))).map(big) as [bigint, bigint];
  });

  test('a safe prime is twice a prime and one', () => {
    for (const prime of [p, q]) {
      expect(prime.toString(2).length).toBe(BITS);
      for (const candidate of [prime, (prime - 1n) / 2n])
        for (const witness of [2n, 3n, 5n, 7n]) expect(power(witness, candidate - 1n, candidate)).toBe(1n);
    }
  });

  test('the private operation is the power by d, for an exponent e of more than 128 bits too', async () => {
    const e = big(await nodePrimitives.prime(136, 'any'));
    const n = p * q;
    const phi = (p - 1n) * (q - 1n);
    // Euler: e to the order of the group less one is the inverse of e; the order of the units modulo phi = 4p'q'.
    const [half, other] = [(p - 1n) / 2n, (q - 1n) / 2n];
    const d = power(e, (half - 1n) * (other - 1n) * 2n - 1n, phi);
    const decrypt = nodePrimitives.rsaPrivate({
      n: bytes(n, 64),
      e: bytes(e, 17),
      d: bytes(d, 64),
      p: bytes(p, 32),
      q: bytes(q, 32),
      dp: bytes(d % (p - 1n), 32),
      dq: bytes(d % (q - 1n), 32),
      qi: bytes(power(q, p - 2n, p), 32),
    });
    for (const base of [0n, 1n, 2n, n - 1n, big(randomBytes(64)) % n])
      expect(big(await decrypt(bytes(base, 64)))).toBe(power(base, d, n));
  });
});
