import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { messageSet } from './message.ts';

const messages = messageSet({
  all: {
    code: 1,
    fields: {
      flag: 'bool',
      byte: 'u8',
      half: 'u16',
      word: 'u32',
      wide: 'u64',
      size: 'size',
      bytes: 'bytes',
      text: 'text',
      choice: { oneOf: ['one', 'two'] },
      list: { listOf: 'u64' },
    },
  },
  none: { code: 2, fields: {} },
});

const all = fc.record({
  kind: fc.constant('all' as const),
  flag: fc.boolean(),
  byte: fc.nat(0xff),
  half: fc.nat(0xffff),
  word: fc.nat(0xffff_ffff),
  wide: fc.bigInt(0n, 2n ** 64n - 1n),
  size: fc.maxSafeNat(),
  bytes: fc.uint8Array({ maxLength: 40 }),
  text: fc.string({ unit: 'binary' }),
  choice: fc.constantFrom('one' as const, 'two' as const),
  list: fc.array(fc.bigInt(0n, 2n ** 64n - 1n), { maxLength: 8 }),
});

test('what is encoded decodes to the same message', () => {
  fc.assert(
    fc.property(all, (message) => {
      expect(messages.decode(messages.encode(message))).toEqual(message);
    }),
  );
  expect(messages.decode(messages.encode({ kind: 'none' }))).toEqual({ kind: 'none' });
});

test('a shortened, lengthened or unknown message is refused', () => {
  fc.assert(
    fc.property(all, fc.nat(), (message, cut) => {
      const frame = messages.encode(message);
      expect(messages.decode(frame.subarray(0, cut % frame.length))).toBeUndefined();
      expect(messages.decode(Uint8Array.of(...frame, 0))).toBeUndefined();
    }),
  );
  expect(messages.decode(Uint8Array.of(3))).toBeUndefined();
});

test('no bytes make the decoder throw', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 120 }), fc.constantFrom(1, 2, 3), (bytes, code) => {
      messages.decode(bytes);
      messages.decode(Uint8Array.of(code, ...bytes));
    }),
  );
});

test('a value that its field cannot hold is the caller’s mistake', () => {
  const value = { ...fc.sample(all, { numRuns: 1, seed: 1 })[0]! };
  expect(() => messages.encode({ ...value, byte: 256 })).toThrow(RangeError);
  expect(() => messages.encode({ ...value, wide: -1n })).toThrow(RangeError);
  expect(() => messages.encode({ ...value, size: 2 ** 53 })).toThrow(RangeError);
  expect(() => messages.encode({ ...value, choice: 'three' as 'one' })).toThrow(RangeError);
});
