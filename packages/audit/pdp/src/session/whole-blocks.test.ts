import fc from 'fast-check';
import { expect, test } from 'vitest';
import { blockCount, type FileDescription } from './file-description.ts';
import { wholeBlocks } from './whole-blocks.ts';

const file = (blockBytes: number, length: number): FileDescription => ({
  scheme: 'some',
  fileId: new Uint8Array(32),
  salt: new Uint8Array(32),
  version: 1,
  blockBytes,
  length,
});
async function* pieces(data: Uint8Array, lengths: readonly number[]) {
  let at = 0;
  for (const length of lengths) {
    yield data.subarray(at, at + length);
    at += length;
  }
  yield data.subarray(at);
}
async function read(of: FileDescription, source: AsyncIterable<Uint8Array>) {
  const batches: { first: number; blocks: Uint8Array }[] = [];
  for await (const batch of wholeBlocks(of, source)) batches.push(batch);
  return batches;
}
const numbered = (length: number) => new Uint8Array(length).map((_, at) => at ^ (at >> 8));

test('any cutting gives the same blocks in the same places', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 16, max: 80 }),
      fc.nat(1000),
      fc.array(fc.nat(200), { maxLength: 20 }),
      async (blockBytes, length, lengths) => {
        const data = numbered(length);
        const of = file(blockBytes, length);
        const batches = await read(of, pieces(data, lengths));
        let next = 0;
        for (const [at, { first, blocks }] of batches.entries()) {
          expect(first).toBe(next);
          expect(Buffer.compare(blocks, data.subarray(first * blockBytes, first * blockBytes + blocks.length))).toBe(0);
          if (at < batches.length - 1) expect(blocks.length % blockBytes).toBe(0);
          next += Math.max(1, Math.ceil(blocks.length / blockBytes));
        }
        expect(next).toBe(blockCount(of));
        expect(batches.reduce((sum, { blocks }) => sum + blocks.length, 0)).toBe(length);
      },
    ),
    { seed: 6, numRuns: 300 },
  );
});

test('files longer than a batch, in pieces that end within blocks', async () => {
  const length = 3 * 1024 * 1024 + 5;
  const data = numbered(length);
  for (const piece of [1000, 4096, 65536 + 1, 2 ** 20, length]) {
    const lengths = new Array<number>(Math.floor(length / piece)).fill(piece);
    const batches = await read(file(4096, length), pieces(data, lengths));
    expect(Buffer.compare(Buffer.concat(batches.map(({ blocks }) => blocks)), data), `${piece}`).toBe(0);
    for (const { blocks } of batches) expect(blocks.length).toBeLessThanOrEqual(1024 * 1024);
  }
});

test('pieces that end with a block are not copied', async () => {
  const data = numbered(64 * 10);
  const batches = await read(file(64, data.length), pieces(data, [64, 128, 256]));
  expect(batches.map(({ first }) => first)).toEqual([0, 1, 3, 7]);
  for (const { blocks } of batches) expect(blocks.buffer).toBe(data.buffer);
});

test('an empty file is one block of no bytes', async () => {
  for (const lengths of [[], [0], [0, 0]])
    expect(await read(file(64, 0), pieces(new Uint8Array(0), lengths))).toEqual([
      { first: 0, blocks: new Uint8Array(0) },
    ]);
});

test('a source that is not as long as said is an error, and one without end is not read to it', {
  timeout: 5_000,
}, async () => {
  const said = file(64, 100);
  for (const length of [0, 99, 101, 1000])
    await expect(read(said, pieces(numbered(length), [50]))).rejects.toMatchObject({ code: 'length' });
  let closed = false;
  async function* endless() {
    try {
      for (;;) yield new Uint8Array(30);
    } finally {
      closed = true;
    }
  }
  await expect(read(said, endless())).rejects.toMatchObject({ code: 'length' });
  expect(closed).toBe(true);
});
