import { describePlatform } from '@cloister/protocol';
import { expect, test } from 'vitest';
import { cells, flatten, strings } from './device-tree.ts';
import { describeMachine } from './machine-tree.ts';

test('a small tree has the bytes that the specification gives it', () => {
  const root = { name: '', properties: { a: cells(1) }, children: [{ name: 'bc', properties: { a: strings('x') } }] };
  const { bytes, offsets } = flatten(root);
  const words = [
    ...[0xd00dfeed, 142, 56, 140, 40, 17, 16, 0, 2, 84],
    ...[0, 0, 0, 0],
    ...[1, 0, 3, 4, 0, 1],
    ...[1, 0x62630000, 3, 2, 0, 0x78000000],
    ...[2, 2, 9],
  ];
  const structure = words.slice(14);
  expect(bytes.length).toBe(56 + 4 * structure.length + 2);
  const fixed = words.map((word, i) => {
    if (i === 1) return bytes.length;
    if (i === 3) return 56 + 4 * structure.length;
    return i === 9 ? 4 * structure.length : word;
  });
  expect(Buffer.compare(bytes.subarray(0, 4 * words.length), cells(...fixed))).toBe(0);
  expect(new TextDecoder().decode(bytes.subarray(-2))).toBe('a\0');
  expect(bytes.subarray(offsets.get('/bc/a')).subarray(0, 2)).toEqual(Uint8Array.of(0x78, 0));
});

test('the seed’s place is found, and it is zeros', () => {
  const { bytes, offsets } = flatten(describeMachine(describePlatform(2, 3 * 2 ** 30), { commandLine: '' }));
  const at = offsets.get('/chosen/rng-seed')!;
  expect(bytes.subarray(at, at + 32)).toEqual(new Uint8Array(32));
  expect(new DataView(bytes.buffer).getUint32(at - 8, false)).toBe(32);
});
