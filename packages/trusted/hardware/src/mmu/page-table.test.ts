import { describe, expect, test } from 'vitest';
import { causeOf, RAM } from '../hart/testing/assembled-machine.ts';

const PTE = { V: 1n, R: 2n, W: 4n, X: 8n, U: 16n, A: 64n, D: 128n } as const;
const ALL = PTE.V | PTE.R | PTE.W | PTE.X | PTE.A | PTE.D;
const ROOT = RAM + 0x10_0000;
const VIRTUAL = 0x40_0000_0000n - 2n ** 30n;

/** The cause that an access of S-mode through one 1 GiB leaf of Sv39 raises; code runs through another such leaf. */
function access(name: 'ld' | 'sd', leaf: bigint, menvcfg = 0n, satpMode = 8n): number | undefined {
  return causeOf(
    [name, name === 'ld' ? { rd: 5, rs1: 10, immediate: 0 } : { rs1: 10, rs2: 5, immediate: 0 }],
    1,
    (machine) => {
      const table = new Uint8Array(4096);
      const view = new DataView(table.buffer);
      const frame = BigInt(RAM / 4096) << 10n;
      view.setBigUint64(8 * 2, frame | ALL, true);
      view.setBigUint64(8 * 255, frame | leaf, true);
      machine.machine.load(ROOT, table);
      machine.setX(10, VIRTUAL + 0x2000n);
      machine.setSlot('menvcfg', menvcfg);
      machine.setSlot('satp', (satpMode << 60n) | BigInt(ROOT / 4096));
    },
  );
}

test('memory types need menvcfg.PBMTE', () => {
  const PBMTE = 1n << 62n;
  for (const [type, enabled, cause] of [
    [0n, 0n, undefined],
    [1n, 0n, 13],
    [2n, 0n, 13],
    [3n, 0n, 13],
    [1n, PBMTE, undefined],
    [2n, PBMTE, undefined],
    [3n, PBMTE, 13],
  ] as const)
    expect([type, enabled, access('ld', ALL | (type << 61n), enabled)]).toEqual([type, enabled, cause]);
});

test('reserved bits of an entry, and N without Svnapot, fault', () => {
  for (const bit of [54n, 57n, 60n, 63n]) expect([bit, access('ld', ALL | (1n << bit))]).toEqual([bit, 13]);
});

describe('Svade', () => {
  test('a clear A faults, and a clear D on a store', () => {
    expect(access('ld', ALL & ~PTE.A)).toBe(13);
    expect(access('sd', ALL & ~PTE.A)).toBe(15);
    expect(access('ld', ALL & ~PTE.D)).toBeUndefined();
    expect(access('sd', ALL & ~PTE.D)).toBe(15);
    expect(access('sd', ALL)).toBeUndefined();
  });
});
