import { listOf, oneOf, record, whole } from '@cloister/protocol';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bytes, bytesUpTo, decodeRecord, encodeRecord, uint64 } from './encoding.ts';

const hex = (text: string) => new Uint8Array(Buffer.from(text.replaceAll(' ', ''), 'hex'));
const NUMBER = record({ n: whole(1 << 20) });
const anything = (_value: unknown): _value is unknown => true;

test('a record comes back, and has one encoding', () => {
  const SOME = record({ kind: oneOf('a', 'b'), list: listOf(whole(Number.MAX_SAFE_INTEGER), 9), id: bytes(3) });
  fc.assert(
    fc.property(
      fc.constantFrom<'a' | 'b'>('a', 'b'),
      fc.array(fc.maxSafeNat(), { maxLength: 9 }),
      fc.uint8Array({ minLength: 3, maxLength: 3 }),
      (kind, list, id) => {
        const encoded = encodeRecord({ kind, list, id });
        expect(encodeRecord({ id, list, kind })).toEqual(encoded);
        expect(decodeRecord(SOME, encoded)).toEqual({ kind, list, id });
      },
    ),
    { seed: 3, numRuns: 100 },
  );
});

describe('what is no record', () => {
  // RFC 8949: a1 is a map of one pair, 61 6e the key "n".
  test.each([
    ['the right one, for comparison', 'a1 61 6e 05', { n: 5 }],
    ['a key twice', 'a2 61 6e 05 61 6e 05', undefined],
    ['a key twice with two values', 'a2 61 6e 05 61 6e 06', undefined],
    ['an integer in two bytes that fits in one', 'a1 61 6e 18 05', undefined],
    ['an integer in nine bytes that fits in one', 'a1 61 6e 1b 00 00 00 00 00 00 00 05', undefined],
    ['a whole number as a half-precision float', 'a1 61 6e f9 45 00', undefined],
    ['a whole number as a double', 'a1 61 6e fb 40 14 00 00 00 00 00 00', undefined],
    ['a length in two bytes that fits in one', 'b8 01 61 6e 05', undefined],
    ["a key's length in two bytes", 'a1 78 01 6e 05', undefined],
    ['an indefinite map', 'bf 61 6e 05 ff', undefined],
    ['a tagged value', 'a1 61 6e c1 05', undefined],
    ['a negative number', 'a1 61 6e 20', undefined],
    ['a number above 2^53', 'a1 61 6e 1b 00 20 00 00 00 00 00 01', undefined],
    ['not a number', 'a1 61 6e f9 7e 00', undefined],
    ['undefined', 'a1 61 6e f7', undefined],
    ['a key too many', 'a2 61 6d 05 61 6e 05', undefined],
    ['a prototype', 'a2 61 6e 05 69 5f 5f 70 72 6f 74 6f 5f 5f a0', undefined],
    ['a prototype alone that has the key', 'a1 69 5f 5f 70 72 6f 74 6f 5f 5f a1 61 6e 05', undefined],
    ['a number as key', 'a1 01 05', undefined],
    ['bytes after it', 'a1 61 6e 05 00', undefined],
    ['a byte less', 'a1 61 6e', undefined],
    ['nothing', '', undefined],
    ['a list', '81 05', undefined],
  ])('%s', (_what, encoded, expected) => {
    expect(decodeRecord(NUMBER, hex(encoded))).toEqual(expected);
  });

  test('keys out of order', () => {
    const TWO = record({ a: whole(9), b: whole(9) });
    expect(decodeRecord(TWO, hex('a2 61 61 01 61 62 02'))).toEqual({ a: 1, b: 2 });
    expect(decodeRecord(TWO, hex('a2 61 62 02 61 61 01'))).toBeUndefined();
  });
});

test('huge lengths and deep nesting end at once', { timeout: 5_000 }, () => {
  for (const type of ['5', '7', '9', 'b'])
    for (const length of ['a 7f ff ff ff', 'b 00 1f ff ff ff ff ff ff', 'b ff ff ff ff ff ff ff ff'])
      expect(decodeRecord(anything, hex(`${type}${length} 00 00`)), `${type}${length}`).toBeUndefined();
  for (const nested of [0x81, 0xc1])
    expect(decodeRecord(anything, new Uint8Array(10 * 1024 * 1024).fill(nested))).toBeUndefined();
  const maps = Buffer.alloc(3 * 1024 * 1024, Buffer.from('a1616e', 'hex'));
  expect(decodeRecord(anything, maps)).toBeUndefined();
});

test('no bytes make it throw', () => {
  const start = encodeRecord({ n: 5, list: [1, 2, { x: new Uint8Array(40) }] });
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), fc.nat(start.length), (some, at) => {
      decodeRecord(anything, some);
      decodeRecord(anything, new Uint8Array([...start.subarray(0, at), ...some]));
    }),
    { seed: 4, numRuns: 2_000 },
  );
});

test('bounds of byte strings', () => {
  expect(bytes(2)(new Uint8Array(2))).toBe(true);
  for (const wrong of [new Uint8Array(1), new Uint8Array(3), [1, 2], 'ab', null]) expect(bytes(2)(wrong)).toBe(false);
  expect(bytesUpTo(2)(new Uint8Array(0))).toBe(true);
  expect(bytesUpTo(2)(new Uint8Array(3))).toBe(false);
});

test('whole numbers in 8 bytes', () => {
  for (const value of [0, 1, 255, 2 ** 32 - 1, 2 ** 32, 2 ** 48 + 5, Number.MAX_SAFE_INTEGER])
    expect(Buffer.from(uint64(value)).readBigUInt64BE()).toBe(BigInt(value));
});
