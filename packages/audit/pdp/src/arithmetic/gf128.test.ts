import { createCipheriv } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { addInto, addMultiple, dotProduct, ELEMENT_BYTES } from './gf128.ts';

const element = fc.uint8Array({ minLength: ELEMENT_BYTES, maxLength: ELEMENT_BYTES });
const hex = (text: string) => new Uint8Array(Buffer.from(text, 'hex'));
const product = (left: Uint8Array, right: Uint8Array): Uint8Array => {
  const sum = new Uint8Array(ELEMENT_BYTES);
  addMultiple(sum, left, right);
  return sum;
};

/** The definition, bit by bit over BigInt. */
function slowProduct(left: Uint8Array, right: Uint8Array): Uint8Array {
  const polynomial = (bytes: Uint8Array) => {
    let value = 0n;
    for (let power = 0; power < 128; power += 1)
      if ((bytes[power >>> 3]! >>> (7 - (power & 7))) & 1) value |= 1n << BigInt(power);
    return value;
  };
  const [a, b] = [polynomial(left), polynomial(right)];
  let value = 0n;
  for (let power = 0n; power < 128n; power += 1n) if ((a >> power) & 1n) value ^= b << power;
  for (let power = 254n; power >= 128n; power -= 1n)
    if ((value >> power) & 1n) value ^= ((1n << 128n) | 0x87n) << (power - 128n);
  const out = new Uint8Array(ELEMENT_BYTES);
  for (let power = 0; power < 128; power += 1)
    if ((value >> BigInt(power)) & 1n) out[power >>> 3]! |= 128 >>> (power & 7);
  return out;
}

test('one times is the element, zero times is zero', () => {
  const one = hex('80000000000000000000000000000000');
  const some = hex('66e94bd4ef8a2c3b884cfa59ca342b2e');
  expect(product(one, some)).toEqual(some);
  expect(dotProduct(one, some)).toEqual(some);
  expect(product(new Uint8Array(16), some)).toEqual(new Uint8Array(16));
});

test('the product in the GCM specification, test case 2', () => {
  // McGrew and Viega, "The Galois/Counter Mode of Operation", appendix B: H, the ciphertext and X_1 = C * H.
  const h = hex('66e94bd4ef8a2c3b884cfa59ca342b2e');
  const c = hex('0388dace60b6a392f328c2b971b2fe78');
  const x1 = hex('5e2ec746917062882c85b0685353deb7');
  expect(product(h, c)).toEqual(x1);
  expect(dotProduct(h, c)).toEqual(x1);
});

test('both products are the definition, and agree with one another', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(element, element), { minLength: 1, maxLength: 6 }), (pairs) => {
      const expected = new Uint8Array(ELEMENT_BYTES);
      for (const [left, right] of pairs) addInto(expected, slowProduct(left, right));
      const sum = new Uint8Array(ELEMENT_BYTES);
      for (const [left, right] of pairs) addMultiple(sum, left, right);
      expect(sum).toEqual(expected);
      const flat = (side: 0 | 1) => new Uint8Array(Buffer.concat(pairs.map((pair) => pair[side])));
      expect(dotProduct(flat(0), flat(1))).toEqual(expected);
    }),
    { seed: 1, numRuns: 100 },
  );
});

test('long vectors, and arrays that begin anywhere, are multiplied element by element', () => {
  const bytes = 3 * 64 * 1024 + 48;
  const backing = createCipheriv('aes-256-ctr', Buffer.alloc(32, 1), Buffer.alloc(16)).update(Buffer.alloc(bytes + 64));
  const coefficient = backing.subarray(3, 3 + ELEMENT_BYTES);
  const vector = backing.subarray(5, 5 + bytes);
  const sum = new Uint8Array(bytes + 7).subarray(7);
  sum[0] = 1;
  addMultiple(sum, coefficient, vector);
  for (const at of [0, 64 * 1024 - 16, 64 * 1024, 2 * 64 * 1024, bytes - 16]) {
    const expected = slowProduct(coefficient, vector.subarray(at, at + 16));
    if (at === 0) expected[0]! ^= 1;
    expect(sum.subarray(at, at + 16), `element at ${at}`).toEqual(expected);
  }
});
