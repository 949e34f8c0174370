import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeVersionTable, freshVersionTable } from './version-table.ts';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const stampOf = (version: number, low: string): string =>
  version.toString(16).padStart(16, '0') + low.padStart(32, '0');

const changes = fc.array(
  fc.record({ kind: fc.constantFrom('modify' as const, 'insert' as const, 'delete' as const), place: fc.nat(40) }),
  { maxLength: 40 },
);

test('a table is the list of its stamps, whatever is changed, and two runs longer at most', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 20 }), changes, (blocks, wishes) => {
      let table = freshVersionTable(blocks);
      const list = Array.from({ length: blocks }, (_, at) => stampOf(0, at.toString(16)));
      wishes.forEach(({ kind, place }, round) => {
        const index = place % (list.length + (kind === 'insert' ? 1 : 0));
        if (kind === 'delete' && list.length === 1) return;
        const note = new Uint8Array(16).fill(round + 1);
        const version = kind === 'modify' ? Number.parseInt(list[index]!.slice(0, 16), 16) + 1 : 1;
        list.splice(index, kind === 'insert' ? 0 : 1, ...(kind === 'delete' ? [] : [stampOf(version, hex(note))]));
        const before = table.runs;
        table = decodeVersionTable(table.changed({ kind, index }, note).encode())!;
        expect(table.runs).toBeLessThanOrEqual(before + 2);
        expect(table.blocks).toBe(list.length);
        expect([...table.stamps(list.keys())].map(hex)).toEqual(list);
      });
      const some = [...list.keys()].filter((at) => at % 3 === 0);
      expect([...table.stamps(some)].map(hex)).toEqual(some.map((at) => list[at]));
    }),
    { numRuns: 100, seed: 20260802 },
  );
});

test('a table of 2^50 blocks takes no memory, and bytes that are none are no table', () => {
  const table = freshVersionTable(2 ** 50).changed({ kind: 'modify', index: 2 ** 49 }, new Uint8Array(16).fill(1));
  expect(table.runs).toBe(3);
  expect([...table.stamps([2 ** 50 - 1])].map(hex)).toEqual([stampOf(0, (2 ** 50 - 1).toString(16))]);
  const encoded = table.encode();
  for (const bytes of [new Uint8Array(0), encoded.subarray(1), new Uint8Array(32), new Uint8Array(32).fill(255)])
    expect(decodeVersionTable(bytes)).toBeUndefined();
  // Two blocks written later cannot be one run, and no run is empty.
  const written = encoded.slice(32, 64);
  written[31] = 2;
  expect(decodeVersionTable(written)).toBeUndefined();
  written[31] = 0;
  expect(decodeVersionTable(written)).toBeUndefined();
});
