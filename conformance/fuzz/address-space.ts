import type { Choice } from './choice.ts';
import { ARENA_PAGE, CODE_PAGES, DATA_PAGES, PAGE, RAM_BASE, RUNTIME } from './layout.ts';

/** How the body runs, and what addresses mean to it. */
export interface AddressSpace {
  readonly privilege: 0 | 1 | 3;
  /** Value for satp; the body's own addresses are physical where `translated` is false. */
  readonly satp: bigint;
  readonly translated: boolean;
  readonly supervisorHandler: bigint;
  readonly supervisorPage: bigint;
  readonly resume: bigint;
  readonly code: bigint;
  /** A readable and writable page of the body's own, and no other page behind it that traps the middle. */
  readonly safe: bigint;
  /** Starts of all pages that a base register may aim at. */
  readonly pages: readonly bigint[];
  /** Addresses that cannot be executed from. */
  readonly nowhere: readonly bigint[];
  /** The four pages of tables, last level first, as bytes. */
  readonly tables: Uint8Array;
}

/** Bits of a page-table entry (privileged specification §12.3.1). */
const PTE = { V: 1n, R: 2n, W: 4n, X: 8n, U: 16n, G: 32n, A: 64n, D: 128n } as const;
const VALID = PTE.V | PTE.A | PTE.D;
const entry = (address: number, flags: bigint): bigint => (BigInt(address / PAGE) << 10n) | flags;

/** A leaf with rights drawn at random, and sometimes one that never translates. A and D are set: QEMU 7.2 has no Svade. */
function anyLeaf(choice: Choice, address: number): bigint {
  let flags = VALID;
  for (const bit of [PTE.R, PTE.W, PTE.X, PTE.U, PTE.G]) if (choice.once(2)) flags |= bit;
  if ((flags & (PTE.R | PTE.X)) === 0n) flags |= PTE.R;
  if (choice.once(6))
    return choice.pick([
      entry(address, flags & ~PTE.V),
      // W without R is reserved.
      entry(address, (flags | PTE.W) & ~PTE.R),
      // Reserved bits, N without Svnapot, memory types.
      entry(address, flags) | (1n << BigInt(54 + choice.below(10))),
      entry(address, flags) | (3n << 61n),
      // A pointer where there is no further level.
      entry(address, PTE.V),
    ]);
  return entry(address, flags | (BigInt(choice.below(4)) << 8n));
}

/** Sets of physical addresses: in M-mode, and in S and U with satp bare. */
function bareSpace(
  choice: Choice,
  arena: number,
  privilege: 0 | 1 | 3,
  satp: bigint,
  tables: Uint8Array,
): AddressSpace {
  const at = (page: number): bigint => BigInt(arena + page * PAGE);
  const holes = [0x10_0000_0000n, 0xffff_0000_0000n, 0x7f_ffff_f000n].map((hole) => hole + BigInt(choice.below(PAGE)));
  return {
    privilege,
    satp,
    translated: false,
    supervisorHandler: BigInt(RUNTIME.supervisor),
    supervisorPage: at(ARENA_PAGE.supervisor),
    resume: at(ARENA_PAGE.resume),
    code: at(ARENA_PAGE.code),
    safe: at(ARENA_PAGE.data),
    pages: Array.from({ length: DATA_PAGES }, (_, n) => at(ARENA_PAGE.data + n)),
    nowhere: holes,
    tables,
  };
}

/**
 * Draws privilege and translation, and builds the page tables. Sv39 and Sv48: nine bits of the address select the entry
 * of each level (§12.4.1, §12.5.1); the canonical upper half is used as well.
 */
export function createAddressSpace(
  choice: Choice,
  arena: number,
  privilege: 0 | 1 | 3,
  modified: boolean,
): AddressSpace {
  const mode = choice.pick([0, 8, 8, 9, 9]);
  const tables = new Uint8Array(4 * PAGE);
  const view = new DataView(tables.buffer);
  const table = (level: number): number => arena + (ARENA_PAGE.tables + level) * PAGE;
  const put = (level: number, index: number, value: bigint): void => {
    view.setBigUint64(level * PAGE + index * 8, value, true);
  };
  // Where no physical address lies in either machine, so that M-mode can aim at it, too.
  const indices = [16 + choice.below(400), choice.below(500), 64 + choice.below(440), choice.below(512)] as const;
  const levels = mode === 9 ? 4 : 3;
  const address = (...parts: readonly number[]): bigint => {
    const value = parts.reduceRight((sum, part) => (sum << 9n) | BigInt(part), 0n) << 12n;
    return BigInt.asUintN(64, BigInt.asIntN(12 + 9 * levels, value));
  };
  const page = (index: number, ...above: readonly number[]): bigint =>
    address(index, above[0] ?? indices[1], above[1] ?? indices[2], levels === 4 ? indices[3] : 0);
  const own = privilege === 0 ? PTE.U : 0n;

  let next = indices[0];
  const map = (leaf: bigint): bigint => {
    put(0, next, leaf);
    return page(next++);
  };
  const here = (n: number): number => arena + n * PAGE;
  const supervisorHandler = map(entry(RUNTIME.supervisor, VALID | PTE.R | PTE.X));
  const supervisorPage = map(entry(here(ARENA_PAGE.supervisor), VALID | PTE.R | PTE.W));
  map(entry(here(ARENA_PAGE.supervisorLog), VALID | PTE.R | PTE.W));
  const resume = map(entry(here(ARENA_PAGE.resume), VALID | PTE.R));
  const code = page(next);
  // Execute-only code now and then, so that a load from it would fault; the last page sometimes cannot be fetched.
  const execute = VALID | own | PTE.X | (choice.once(3) ? 0n : PTE.R);
  for (let n = 0; n < CODE_PAGES; n += 1)
    map(
      n > 0 && choice.once(40)
        ? anyLeaf(choice, here(ARENA_PAGE.code + n)) & ~PTE.X
        : entry(here(ARENA_PAGE.code + n), execute),
    );
  // Two unmapped pages: no access that is aimed at the second reaches code.
  next += 1;
  const gap = page(next++);
  const order = choice.pick([
    [0, 1, 2, 3],
    [0, 3, 2, 1],
    [0, 2, 1, 3],
    [0, 1, 1, 2],
  ]);
  const data = order.map((n, index) =>
    map(
      index === 0
        ? entry(here(ARENA_PAGE.data), VALID | PTE.R | PTE.W | own)
        : anyLeaf(choice, here(ARENA_PAGE.data + n)),
    ),
  );
  const unmapped = page(next);

  put(1, indices[1], entry(table(0), PTE.V));
  put(2, indices[2], entry(table(1), PTE.V));
  put(3, indices[3], entry(table(2), PTE.V));
  // Leaves above the last level: 2 MiB around the arena, one that is misaligned, and 1 GiB.
  const dataAt = arena + ARENA_PAGE.data * PAGE;
  const rights = VALID | PTE.R | PTE.W | (choice.once(6) ? 0n : own);
  const span = 2 ** 21;
  put(1, indices[1] + 1, entry(dataAt - (dataAt % span), rights));
  put(1, indices[1] + 2, entry(dataAt - (dataAt % span) + PAGE, rights));
  put(2, indices[2] + 1, entry(RAM_BASE, rights));
  const inside = dataAt % span;
  // From these the pages around the data can be reached: they aim at its second page.
  const large = page(inside / PAGE + 1, indices[1] + 1);
  const misaligned = page(inside / PAGE, indices[1] + 2);
  const giant = page(inside / PAGE + 1, Math.floor((dataAt - RAM_BASE) / span), indices[2] + 1);
  const foreign = data[0]! ^ (1n << BigInt(12 + 9 * levels + choice.below(8)));

  const satp = mode === 0 ? 0n : (BigInt(mode) << 60n) | BigInt(table(levels - 1) / PAGE);
  // In M-mode satp matters where MPRV is set.
  if (privilege === 3 || mode === 0) {
    const bare = bareSpace(choice, arena, privilege, privilege === 3 ? satp : 0n, tables);
    return mode === 0 || !modified
      ? bare
      : { ...bare, pages: [...bare.pages, ...data.filter((a) => a < 2n ** 48n), large].filter((a) => a < 2n ** 48n) };
  }
  return {
    privilege,
    satp,
    translated: true,
    supervisorHandler,
    supervisorPage,
    resume,
    code,
    safe: data[0]!,
    pages: [...data, ...data, ...data, gap, unmapped, large, large, misaligned, giant, foreign],
    nowhere: [gap, unmapped, foreign, data[0]!, supervisorPage, misaligned],
    tables,
  };
}
