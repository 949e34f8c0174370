import { crc32 } from 'node:zlib';
import { expect, test } from 'vitest';
import { randomFrom } from '../../../protocol/src/testing/mutate.ts';
import { borgSegment } from './borg-segment.ts';
import { noise } from './testing/laboratory.ts';

const SEED = 20261126;
function entry(tag: number, content: Uint8Array): Buffer {
  const bytes = Buffer.alloc(9 + content.length);
  bytes.writeUInt32LE(bytes.length, 4);
  bytes[8] = tag;
  bytes.set(content, 9);
  bytes.writeUInt32LE(crc32(bytes.subarray(4)), 0);
  return bytes;
}
const segment = Buffer.concat([
  Buffer.from('BORG_SEG'),
  entry(0, noise(32 + 5000)),
  entry(1, noise(32, 2)),
  entry(0, noise(32, 3)),
  entry(2, new Uint8Array(0)),
]);
/** What is found, fed in pieces of these lengths. */
function found(bytes: Uint8Array, length: () => number): string | undefined {
  const check = borgSegment();
  for (let at = 0; at < bytes.length; ) {
    const flaw = check.feed(bytes.subarray(at, (at += length())));
    if (flaw !== undefined) return flaw;
  }
  return check.end();
}

test(`a segment is whole however it comes (seed ${SEED})`, () => {
  const random = randomFrom(SEED);
  for (const length of [() => 1, () => 7, () => 100_000, () => 1 + random(300)])
    expect(found(segment, length)).toBeUndefined();
  expect(found(Buffer.from('BORG_SEG'), () => 3)).toBeUndefined();
});

test('every bit of it counts, and its end', () => {
  for (let at = 0; at < segment.length; at += 1) {
    const bent = Buffer.from(segment);
    bent[at]! ^= 1 << (at % 8);
    // A tag that is not known is of a newer format, of which nothing is said.
    const isTag = [16, 16 + 5041, 16 + 5041 + 41, 16 + 5041 + 82].includes(at);
    if (!isTag)
      expect(
        found(bent, () => 4096),
        `byte ${at}`,
      ).toBeDefined();
  }
  const ends = new Set([8, 8 + 5041, 8 + 5082, 8 + 5123]);
  for (let length = 0; length < segment.length; length += 1)
    expect(found(segment.subarray(0, length), () => 4096) === undefined, `${length}`).toBe(ends.has(length));
});
