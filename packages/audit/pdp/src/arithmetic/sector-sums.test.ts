import { expect, test } from 'vitest';
import { seededPrimitives } from '../testing/seeded-primitives.ts';
import { SECTOR_BYTES, scalarProducts, sectorSums, sectorsOf } from './sector-sums.ts';

const { random } = seededPrimitives('sector sums 1');
const big = (bytes: Uint8Array): bigint => BigInt(`0x0${Buffer.from(bytes).reverse().toString('hex')}`);
const sector = (block: Uint8Array, at: number) => big(block.slice(at * SECTOR_BYTES, (at + 1) * SECTOR_BYTES));
const ones = (length: number) => new Uint8Array(length).fill(255);

test('products of sectors are those of big integers (seed "sector sums 1")', () => {
  for (const length of [0, 1, 30, 31, 32, 61, 62, 63, 1000])
    for (const make of [random, ones]) {
      const block = make(length);
      const sectors = sectorsOf(length);
      const factors = Array.from({ length: sectors + 1 }, () => make(32));
      let sum = 0n;
      for (let at = 0; at < sectors; at += 1) sum += big(factors[at]!) * sector(block, at);
      expect(big(scalarProducts(factors).of(block)), `${length}`).toBe(sum);

      const sums = sectorSums(sectors + 1);
      const coefficients = Array.from({ length: 5 }, () => make(16));
      for (const coefficient of coefficients) sums.add(coefficient, block);
      const total = coefficients.reduce((so, coefficient) => so + big(coefficient), 0n);
      expect(sums.sums().map(big)).toEqual(factors.map((_, at) => total * sector(block, at)));
    }
});

test('columns are carried before a double is full', () => {
  const sums = sectorSums(1);
  const block = ones(SECTOR_BYTES);
  const coefficient = ones(16);
  const terms = (1 << 17) + 3;
  for (let term = 0; term < terms; term += 1) sums.add(coefficient, block);
  expect(big(sums.sums()[0]!)).toBe(BigInt(terms) * big(coefficient) * big(block));

  const wide = ones(SECTOR_BYTES * ((1 << 16) + 5));
  const factor = ones(32);
  const products = scalarProducts(Array.from({ length: sectorsOf(wide.length) }, () => factor));
  expect(big(products.of(wide))).toBe(BigInt((1 << 16) + 5) * big(factor) * big(block));
});
