import { nodePrimitives } from '@cloister/crypto';
import { expect, test } from 'vitest';
import {
  blockCount,
  blockLength,
  describeFile,
  type FileDescription,
  fileName,
  isFileDescription,
} from './file-description.ts';

const wish = { scheme: 'some', version: 1, blockBytes: 4096, length: 10_000 };
const file = describeFile(nodePrimitives, wish);

test('each session draws a salt, each file an id', () => {
  const again = describeFile(nodePrimitives, { ...wish, fileId: file.fileId });
  expect(again.fileId).toEqual(file.fileId);
  expect(again.salt).not.toEqual(file.salt);
  expect(describeFile(nodePrimitives, wish).fileId).not.toEqual(file.fileId);
});

test.each([
  ['a block of 15 bytes', { blockBytes: 15 }],
  ['a block of more than 16 MiB', { blockBytes: 16 * 1024 * 1024 + 1 }],
  ['a block of no whole bytes', { blockBytes: 64.5 }],
  ['a negative length', { length: -1 }],
  ['a length beyond exact numbers', { length: 2 ** 53 }],
  ['a length that is none', { length: Number.NaN }],
  ['a negative version', { version: -1 }],
  ['an id of 31 bytes', { fileId: new Uint8Array(31) }],
  ["a scheme's name of 33 letters", { scheme: 'x'.repeat(33) }],
])('%s is out of range', (_what, change) => {
  expect(() => describeFile(nodePrimitives, { ...wish, ...change })).toThrow(
    expect.objectContaining({ code: 'parameter' }),
  );
  expect(isFileDescription({ ...file, ...change })).toBe(false);
});

test('blocks', () => {
  const blocks = (length: number, blockBytes = 64) => blockCount({ ...file, length, blockBytes });
  expect([0, 1, 63, 64, 65, 128, 129].map((length) => blocks(length))).toEqual([1, 1, 1, 1, 2, 2, 3]);
  expect(blocks(2 ** 40, 4096)).toBe(2 ** 28);
  // The quotient is rounded, and must not be to the number below.
  for (const blockBytes of [16, 17, 31, 4093, 4097])
    for (const length of [Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER - 1, 2 ** 52 + 1]) {
      const exact = (BigInt(length) + BigInt(blockBytes) - 1n) / BigInt(blockBytes);
      expect(BigInt(blocks(length, blockBytes)), `${length} / ${blockBytes}`).toBe(exact);
    }
  const of = (length: number, index: number) => blockLength({ ...file, length, blockBytes: 64 }, index);
  expect([of(0, 0), of(1, 0), of(64, 0), of(65, 0), of(65, 1), of(128, 1)]).toEqual([0, 1, 64, 64, 1, 64]);
});

test('each part of a description is part of its name', async () => {
  const other = (bytes: Uint8Array) => bytes.map((byte, at) => (at === 31 ? byte ^ 1 : byte));
  const changes: readonly Partial<FileDescription>[] = [
    {},
    { scheme: 'other' },
    { fileId: other(file.fileId) },
    { salt: other(file.salt) },
    { version: 2 },
    { blockBytes: 4097 },
    { length: 10_001 },
  ];
  const names = new Set<string>();
  for (const change of changes)
    names.add(Buffer.from(await fileName(nodePrimitives, { ...file, ...change })).toString('hex'));
  expect(names.size).toBe(changes.length);
});
