import fc from 'fast-check';
import { expect, test } from 'vitest';
import { dotProduct, ELEMENT_BYTES, elementsOf, isElement, SECTOR_BYTES, weightedSum } from './prime-field.ts';

const P = 2n ** 127n - 1n;
const bytesOf = (value: bigint): Uint8Array =>
  Uint8Array.from({ length: ELEMENT_BYTES }, (_, at) => Number((value >> BigInt(8 * at)) & 255n));
const integerOf = (bytes: Uint8Array): bigint => bytes.reduceRight((value, byte) => value * 256n + BigInt(byte), 0n);
const joined = (values: readonly bigint[]): Uint8Array => new Uint8Array(Buffer.concat(values.map(bytesOf)));
const limbs = (values: readonly bigint[]) => elementsOf(joined(values), ELEMENT_BYTES);
const edges = [0n, 1n, 2n, P - 1n, P - 2n, 2n ** 126n, 2n ** 120n - 1n, 2n ** 22n - 1n, 2n ** 110n];
const element = fc.oneof(fc.constantFrom(...edges), fc.bigInt({ min: 0n, max: P - 1n }));
const settings = { seed: 2, numRuns: 200 };

test('products of the edges', () => {
  for (const left of [...edges, P])
    for (const right of [...edges, P])
      expect(integerOf(dotProduct(limbs([left]), limbs([right]))), `${left} * ${right}`).toBe((left * right) % P);
});

test('sums of products agree with big integers', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(element, element), { maxLength: 200 }),
      fc.array(element, { maxLength: 3 }),
      (pairs, more) => {
        const expected =
          pairs.reduce(
            (sum, [left, right]) => sum + left * right,
            more.reduce((sum, term) => sum + term, 0n),
          ) % P;
        const found = dotProduct(
          limbs(pairs.map(([left]) => left)),
          limbs(pairs.map(([, right]) => right)),
          ...more.map(bytesOf),
        );
        expect(integerOf(found)).toBe(expected);
        const sum = weightedSum(1);
        for (const [left, right] of pairs) sum.add(limbs([left]), limbs([right]));
        expect(integerOf(sum.bytes())).toBe(pairs.reduce((all, [left, right]) => all + left * right, 0n) % P);
      },
    ),
    settings,
  );
});

test('the largest values, many times, stay exact', () => {
  const count = 5000;
  const all = new Array<bigint>(count).fill(P);
  const largest = new Array<bigint>(count).fill(P - 1n);
  expect(integerOf(dotProduct(limbs(largest), limbs(largest)))).toBe(BigInt(count));
  expect(integerOf(dotProduct(limbs(all), limbs(largest)))).toBe(0n);
  const sum = weightedSum(2);
  for (let at = 0; at < count; at += 1) sum.add(limbs([P - 1n]), limbs([P - 1n, P]));
  expect([...sum.bytes()]).toEqual([...joined([BigInt(count), 0n])]);
});

test('sectors are the data, 15 bytes each', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), (data) => {
      const elements = elementsOf(data, SECTOR_BYTES);
      const one = limbs([1n]);
      for (let at = 0; at * SECTOR_BYTES < data.length; at += 1) {
        const sector = elements.subarray(6 * at, 6 * at + 6);
        expect(integerOf(dotProduct(one, sector))).toBe(
          integerOf(data.subarray(at * SECTOR_BYTES, (at + 1) * SECTOR_BYTES)),
        );
      }
    }),
    settings,
  );
});

test('what a prover sends is below p', () => {
  for (const value of edges) expect(isElement(bytesOf(value))).toBe(true);
  for (const value of [P, P + 1n, 2n ** 128n - 1n]) expect(isElement(bytesOf(value))).toBe(false);
  expect(isElement(bytesOf(1n).subarray(1))).toBe(false);
});
