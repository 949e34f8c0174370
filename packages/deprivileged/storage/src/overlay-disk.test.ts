import { closeSync, fstatSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { hostFiles } from './file-access.ts';
import { CHUNK_BYTES, createOverlayDisk } from './overlay-disk.ts';

let directory = '';
let descriptors: number[] = [];
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'overlay-disk-'));
  descriptors = [];
});
afterEach(() => {
  for (const descriptor of descriptors) closeSync(descriptor);
  rmSync(directory, { recursive: true });
});

function files(bytes: number): { base: number; overlay: number; contents: Uint8Array } {
  const contents = Uint8Array.from({ length: bytes }, (_, i) => (i * 7 + (i >> 9)) & 0xff);
  writeFileSync(join(directory, 'base'), contents);
  descriptors = [openSync(join(directory, 'base'), 'r'), openSync(join(directory, 'overlay'), 'w+')];
  return { base: descriptors[0]!, overlay: descriptors[1]!, contents };
}

/** A small generator with a fixed seed (xorshift32). */
function randomFrom(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % limit;
  };
}

test('reads what was written, many requests at once, and never changes the base file', async () => {
  const bytes = 5 * CHUNK_BYTES + 1024;
  const { base, overlay, contents } = files(bytes);
  const disk = createOverlayDisk(hostFiles, base, overlay, bytes);
  const model = contents.slice();
  const random = randomFrom(20261124);
  for (let round = 0; round < 60; round += 1) {
    const writes = Array.from({ length: 6 }, (_, lane) => {
      const room = Math.floor(bytes / 6 / 512);
      const from = lane * room + random(room);
      const sectors = 1 + random(Math.min((lane + 1) * room - from, 200));
      const data = new Uint8Array(sectors * 512).fill(1 + random(255));
      model.set(data, from * 512);
      return disk.write(from * 512, data);
    });
    await Promise.all(writes);
    const from = random(bytes / 512);
    const length = 512 * (1 + random(Math.min(bytes / 512 - from, 256)));
    expect(Buffer.compare(await disk.read(from * 512, length), model.subarray(from * 512, from * 512 + length))).toBe(
      0,
    );
  }
  expect(Buffer.compare(await disk.read(0, bytes), model)).toBe(0);
  expect(Buffer.compare(readFileSync(join(directory, 'base')), contents)).toBe(0);
});

test('a discard drops whole chunks, whose room the next write takes', async () => {
  const bytes = 8 * CHUNK_BYTES;
  const { base, overlay } = files(bytes);
  const disk = createOverlayDisk(hostFiles, base, overlay, bytes);
  for (let round = 0; round < 20; round += 1) {
    await disk.write(0, new Uint8Array(4 * CHUNK_BYTES).fill(1 + round));
    await disk.discard(0, 4 * CHUNK_BYTES);
    expect(await disk.read(CHUNK_BYTES, 512)).toEqual(new Uint8Array(512));
  }
  expect(fstatSync(overlay).size).toBe(4 * CHUNK_BYTES);
  await disk.write(512, Uint8Array.of(...new Uint8Array(512).fill(3)));
  await disk.discard(512, CHUNK_BYTES - 512);
  expect((await disk.read(512, 1))[0]).toBe(3);
});

test('a write that the host refuses is an error, and the old contents stay', async () => {
  const bytes = 2 * CHUNK_BYTES;
  const { base, contents } = files(bytes);
  const readOnly = openSync(join(directory, 'overlay'), 'r');
  descriptors.push(readOnly);
  const disk = createOverlayDisk(hostFiles, base, readOnly, bytes);
  await expect(disk.write(0, new Uint8Array(512))).rejects.toThrow();
  expect(Buffer.compare(await disk.read(0, 512), contents.subarray(0, 512))).toBe(0);
});
