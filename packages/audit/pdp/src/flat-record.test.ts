import { encode } from 'cborg';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { encodeFlat } from './flat-record.ts';

const SEED = 11;
const EDGES = [0, 23, 24, 255, 256, 65_535, 65_536, 2 ** 32 - 1, 2 ** 32, Number.MAX_SAFE_INTEGER];
const ascii = (maxLength: number) =>
  fc.array(fc.integer({ min: 0, max: 0x7f }), { maxLength }).map((codes) => String.fromCharCode(...codes));

test('a flat record is encoded as the library for all of CBOR does', () => {
  const part = fc.oneof(
    fc.constantFrom(...EDGES),
    fc.maxSafeNat(),
    ascii(300),
    fc.uint8Array({ maxLength: 300 }),
    fc.constantFrom(new Uint8Array(65_535), new Uint8Array(65_536)),
  );
  fc.assert(
    fc.property(fc.dictionary(ascii(23), part, { maxKeys: 23 }), (record) => {
      expect(Buffer.from(encodeFlat(record)!).toString('hex')).toBe(Buffer.from(encode(record)).toString('hex'));
    }),
    { seed: SEED, numRuns: 300 },
  );
});

test.each<[string, object]>([
  ['a negative number', { a: -1 }],
  ['a negative zero', { a: -0 }],
  ['a fraction', { a: 1.5 }],
  ['an unsafe number', { a: 2 ** 53 }],
  ['a big number', { a: 1n }],
  ['nothing', { a: undefined }],
  ['a truth', { a: true }],
  ['a list', { a: [1] }],
  ['a record', { a: { b: 1 } }],
  ['text that is not ASCII', { a: 'ü' }],
  ['half a character', { a: '\ud800' }],
  ['a key that is not ASCII', { ü: 1 }],
  ['a long key', { ['a'.repeat(24)]: 1 }],
  ['many keys', Object.fromEntries(Array.from({ length: 24 }, (_, key) => [`k${key}`, key]))],
])('%s is for the library', (_, record) => {
  expect(encodeFlat(record)).toBeUndefined();
});
