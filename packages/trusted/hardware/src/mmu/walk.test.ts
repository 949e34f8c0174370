import { beforeEach, describe, expect, test } from 'vitest';
import { SLOT } from '../hart/csr-slots.ts';
import { type HartState, hartState, PRIVILEGE, setWide } from '../hart/state.ts';
import { memoryPages, RAM_OFFSET } from '../layout.ts';
import { MEMORY_MAP } from '../memory-map.ts';
import type { PmpRegion } from './pmp.ts';
import { type Access, type Translation, walk } from './walk.ts';

const RAM_BYTES = 64 * 2 ** 20;
const FIRST_PAGE = MEMORY_MAP.ram.base / 4096;
const memory = new WebAssembly.Memory({
  initial: memoryPages(RAM_BYTES),
  maximum: memoryPages(RAM_BYTES),
  shared: true,
}).buffer;
const LEAF = 0xcf;
const POINTER = 1;

let state: HartState;
beforeEach(() => {
  state = hartState(memory, 0);
  state.bytes.fill(0, RAM_OFFSET, RAM_OFFSET + 8 * 4096);
});

/** Writes an entry of the table in RAM's frame `frame`. */
function entry(frame: number, index: number, page: bigint | number, bits: number): void {
  new DataView(memory).setBigUint64(RAM_OFFSET + frame * 4096 + index * 8, (BigInt(page) << 10n) | BigInt(bits), true);
}

function satp(mode: 8 | 9, page = BigInt(FIRST_PAGE)): void {
  const value = (BigInt(mode) << 60n) | page;
  setWide(state, SLOT.satp, Number(BigInt.asIntN(32, value)), Number(BigInt.asIntN(32, value >> 32n)));
}

function translate(address: bigint, regions?: readonly PmpRegion[], access: Access = 'load') {
  const out: Translation = { outcome: 'ok', page: 0, large: false };
  const [low, high] = [Number(BigInt.asIntN(32, address)), Number(BigInt.asIntN(32, address >> 32n))];
  walk(state, low, high, access, PRIVILEGE.S, false, regions, RAM_BYTES, out);
  return out.outcome === 'ok' ? { page: out.page, large: out.large } : out.outcome;
}

describe('leaves of every level', () => {
  const HIGH_PAGE = 0xfffn << 32n;
  test.each([
    // Sv48: indexes 1, 2, 3, 4 of levels 3 to 0.
    { level: 3, page: HIGH_PAGE | (5n << 27n), within: (2n << 18n) | (3n << 9n) | 4n },
    { level: 2, page: HIGH_PAGE | (7n << 18n), within: (3n << 9n) | 4n },
    { level: 1, page: HIGH_PAGE | (0x7f_ffffn << 9n), within: 4n },
    { level: 0, page: HIGH_PAGE | 0x8000_0001n, within: 0n },
  ])('level $level', ({ level, page, within }) => {
    satp(9);
    const indexes = [1, 2, 3, 4];
    indexes.slice(0, 4 - level).forEach((index, depth) => {
      const last = depth === 3 - level;
      entry(depth, index, last ? page : FIRST_PAGE + depth + 1, last ? LEAF : POINTER);
    });
    const address = (1n << 39n) | (2n << 30n) | (3n << 21n) | (4n << 12n) | 0x123n;
    expect(translate(address)).toEqual({ page: Number(page | within), large: level > 0 });
    if (level === 0) return;
    entry(3 - level, indexes[3 - level]!, page | 1n, LEAF);
    expect(translate(address)).toBe('page-fault');
  });

  test('Sv39, in the upper half of the addresses', () => {
    satp(8);
    entry(0, 511, 3n << 18n, LEAF);
    expect(translate(0xffff_ffff_ffff_f000n)).toEqual({ page: 2 ** 20 - 1, large: true });
    expect(translate(0xffff_ffbf_ffff_f000n)).toBe('page-fault');
  });
});

test('a table outside RAM is an access fault, also where the low bits of its page number look right', () => {
  satp(8, BigInt(FIRST_PAGE) | (1n << 40n));
  expect(translate(0n)).toBe('access-fault');
  satp(8, BigInt(FIRST_PAGE - 1));
  expect(translate(0n)).toBe('access-fault');
  satp(8, BigInt(FIRST_PAGE + RAM_BYTES / 4096));
  expect(translate(0n)).toBe('access-fault');
  satp(8);
  entry(0, 0, BigInt(FIRST_PAGE) | (1n << 32n), POINTER);
  expect(translate(0n)).toBe('access-fault');
});

test('PMP that closes a table is an access fault', () => {
  satp(8);
  entry(0, 0, 1n << 18n, LEAF);
  const from = MEMORY_MAP.ram.base;
  expect(translate(0n, [{ from, to: from + 8, config: 1 }])).toEqual({ page: 2 ** 18, large: true });
  expect(translate(0n, [{ from: from + 8, to: from + 4096, config: 1 }])).toBe('access-fault');
});
