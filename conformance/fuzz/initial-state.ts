import type { AddressSpace } from './address-space.ts';
import type { Choice } from './choice.ts';
import { type CsrName, PROBED_CSRS } from './csrs.ts';
import { ARENA_PAGE, PAGE } from './layout.ts';
import { ROLE } from './registers.ts';
import { anyFloat, anyInteger } from './values.ts';

const STATUS = { SIE: 1n << 1n, MIE: 1n << 3n, SPIE: 1n << 5n, MPIE: 1n << 7n, SPP: 1n << 8n, FS: 3n << 13n } as const;
const [MPRV, SUM, MXR, TVM, TW, TSR] = [17n, 18n, 19n, 20n, 21n, 22n].map((bit) => 1n << bit) as [
  bigint,
  bigint,
  bigint,
  bigint,
  bigint,
  bigint,
];
/** Exceptions that S-mode may get: all but the calls that end a program. */
const DELEGABLE = 0xb1ffn;

/** An address within the offsets of a load from a page, often at one of its ends, often misaligned. */
function aim(choice: Choice, space: AddressSpace): bigint {
  const page = choice.pick(space.pages);
  const offset = choice.pick([0, 0, 2048, PAGE - 8, PAGE - 4, PAGE - 1, choice.below(PAGE), choice.below(PAGE)]);
  const near = choice.once(3) ? choice.below(16) - 8 : 0;
  let address = page + BigInt(offset + near);
  if (!space.translated && page >= 0x8000_0000n && page < 0x9000_0000n) {
    // Physical: nothing but data may come into reach.
    const low = space.safe + 2048n;
    const high = space.safe + BigInt(4 * PAGE - 2048 - 8);
    address = address < low ? low : address > high ? high : address;
  }
  return BigInt.asUintN(64, address);
}

export function initialX(choice: Choice, space: AddressSpace, arena: number, aligned: boolean): bigint[] {
  const x = Array.from({ length: 32 }, () => anyInteger(choice));
  x[0] = 0n;
  x[ROLE.link] = space.code;
  x[ROLE.safe] = space.safe + 2048n;
  for (const base of ROLE.bases)
    x[base] =
      choice.once(40) && (space.translated || aligned)
        ? choice.pick(space.nowhere.filter((at) => at !== space.supervisorPage)) & ~7n
        : aim(choice, space) & (aligned ? ~7n : ~0n);
  x[ROLE.wild] = choice.pick(space.nowhere) & ~1n;
  x[ROLE.counter] = 0n;
  x[ROLE.supervisorPage] = space.supervisorPage;
  x[ROLE.controlPage] = BigInt(arena);
  return x;
}

export const initialF = (choice: Choice): bigint[] => Array.from({ length: 32 }, () => anyFloat(choice));

export function initialStatus(choice: Choice, space: AddressSpace): bigint {
  let status = BigInt(space.privilege) << 11n;
  for (const bit of [STATUS.SIE, STATUS.SPIE, STATUS.MPIE, STATUS.SPP, SUM, MXR]) if (choice.once(2)) status |= bit;
  if (choice.once(4)) status |= TVM;
  if (choice.once(4) && space.privilege !== 3) status |= TW;
  if (choice.once(4)) status |= TSR;
  if (!choice.once(12)) status |= STATUS.FS;
  return status;
}

/**
 * What PMP denies in S- and U-mode. QEMU checks an access that crosses a page as if its bytes went on in the first
 * page's frame: with one page denied nothing is misaligned, and with writes denied the region reaches beyond the data.
 */
export type Protection = 'open' | 'page' | 'writes';

function protection(choice: Choice, arena: number, kind: Protection): Partial<Record<CsrName, bigint>> {
  const all = 0x003f_ffff_ffff_ffffn;
  const napot = (page: number, pages: number): bigint =>
    (BigInt(arena + page * PAGE) >> 2n) | (BigInt((pages * PAGE) >> 3) - 1n);
  const open = 0x1fn;
  if (kind === 'open') return { pmpaddr0: all, pmpaddr1: choice.wide() >> 10n, pmpcfg0: open };
  const [region, rights] =
    kind === 'page'
      ? [napot(ARENA_PAGE.data + 1 + choice.below(3), 1), choice.pick([0, 1, 3, 4, 5, 7])]
      : [napot(ARENA_PAGE.data, 8), choice.pick([1, 5])];
  return { pmpaddr0: region, pmpaddr1: all, pmpcfg0: (open << 8n) | 0x18n | BigInt(rights) };
}

export function initialCsrs(
  choice: Choice,
  space: AddressSpace,
  arena: number,
  status: bigint,
  kind: Protection,
): Partial<Record<CsrName, bigint>> {
  // Where SRET traps, the handler of S-mode could not return.
  const returns = ((status >> 22n) & 1n) === 0n;
  return {
    stvec: space.supervisorHandler,
    scounteren: choice.wide() & 0xffff_ffffn,
    mcounteren: choice.wide() & 0xffff_ffffn,
    senvcfg: 0n,
    menvcfg: 0n,
    sscratch: anyInteger(choice),
    mscratch: anyInteger(choice),
    sepc: anyInteger(choice) & ~1n,
    scause: anyInteger(choice),
    stval: anyInteger(choice),
    mcause: anyInteger(choice),
    mtval: anyInteger(choice),
    medeleg: !returns || choice.once(3) ? 0n : choice.wide() & DELEGABLE,
    mideleg: returns && choice.once(2) ? 2n : 0n,
    mie: choice.once(3) ? 2n : 0n,
    mip: choice.once(3) ? 2n : 0n,
    ...protection(choice, arena, kind),
    satp: space.satp,
    fcsr: choice.wide() & (choice.once(16) ? 0xffn : 0x9fn),
    mepc: space.code,
    mstatus: status,
  };
}

/** Every byte of pmpcfg0: W without R is reserved, and a locked entry would stay for the programs behind. */
function anyPmpConfig(choice: Choice): bigint {
  const bytes = Array.from({ length: 8 }, () => (choice.below(4) << 3) | choice.pick([0, 1, 3, 4, 5, 7]));
  return bytes.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
}

/** Any value, but for what would strike the runtime (MPRV) and what the peer differs in by "avoided" entries. */
export function probes(choice: Choice): bigint[] {
  return PROBED_CSRS.map((name) => {
    const value = choice.once(4) ? choice.pick([0n, 0xffff_ffff_ffff_ffffn]) : choice.wide();
    const withXl = (value & ~(3n << 32n)) | (2n << 32n);
    switch (name) {
      case 'mstatus':
        return (withXl & ~(MPRV | STATUS.MIE | (3n << 11n))) | (BigInt(choice.pick([0, 1, 3])) << 11n);
      case 'sstatus':
        return withXl;
      case 'stvec':
      case 'mtvec':
        return value & ~2n;
      case 'satp':
        return (value & 0x0fff_ffff_ffff_ffffn) | (BigInt(choice.pick([0, 8, 9, 8, 9, 1, 7, 11, 15])) << 60n);
      case 'pmpcfg0':
        return anyPmpConfig(choice);
      default:
        return value;
    }
  });
}
