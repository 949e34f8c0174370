import { SLOT, STATUS } from '../hart/csr-slots.ts';
import { type HartState, PRIVILEGE, type Privilege, word } from '../hart/state.ts';
import { FRAME_FLAGS, RAM_OFFSET } from '../layout.ts';
import { MEMORY_MAP } from '../memory-map.ts';
import { FRAME } from './frame.ts';
import { PMP_ACCESS, type PmpRegion, pmpAllows } from './pmp.ts';

export type Access = 'load' | 'store' | 'fetch';

/** Where an address translates to, or how it fails. Written by `walk`, read at once; never kept. */
export interface Translation {
  /** `absent`: the table itself, at `page`, lies in a frame that the machine does not have. */
  outcome: 'ok' | 'page-fault' | 'access-fault' | 'absent';
  /** Guest physical page number. */
  page: number;
  /** The leaf lies above the last level. */
  large: boolean;
}

// Bits of a page-table entry (privileged specification §12.3.1).
const PTE = { V: 1, R: 2, W: 4, X: 8, U: 16, G: 32, A: 64, D: 128 } as const;
/** Upper word: N (Svnapot, which this machine lacks), PBMT and reserved bits 60:54. */
const PTE_HIGH_RESERVED = 0x9fc0_0000;
const PTE_HIGH_PBMT = 0x6000_0000;

const RAM_FIRST_PAGE = MEMORY_MAP.ram.base / 4096;

/**
 * Translates a virtual address by satp's page table (§12.3.2, "virtual address translation process"), with Svade: a
 * clear A, or a clear D on a store, is a page fault. Table entries are read with the access rights of S-mode; without
 * `regions` PMP has opened all of RAM to it.
 *
 * Sv39: bits 38:30, 29:21 and 20:12 select the entries of three levels; Sv48 adds bits 47:39.
 */
export function walk(
  state: HartState,
  low: number,
  high: number,
  access: Access,
  privilege: Privilege,
  sum: boolean,
  regions: readonly PmpRegion[] | undefined,
  ramBytes: number,
  out: Translation,
): void {
  const satpHigh = word(state, SLOT.satp + 4);
  const mode = satpHigh >>> 28;
  out.large = false;
  if (mode === 0 || privilege === PRIVILEGE.M) {
    out.outcome = 'ok';
    out.page = (high >>> 0) * 0x10_0000 + (low >>> 12);
    return;
  }
  out.outcome = 'page-fault';
  const levels = mode === 8 ? 3 : 4;
  // The bits above the virtual address equal its highest bit.
  const extension = levels === 3 ? high >> 6 : high >> 15;
  if (extension !== 0 && extension !== -1) return;

  const status = word(state, SLOT.mstatus);
  // menvcfg.PBMTE, bit 62.
  const typed = (word(state, SLOT.menvcfg + 4) & 0x4000_0000) !== 0;
  // Page numbers have 44 bits: the low 32 of them, as a bit pattern, and the high 12.
  let table = word(state, SLOT.satp);
  let tableHigh = satpHigh & 0xfff;
  for (let level = levels - 1; level >= 0; level -= 1) {
    const index =
      level === 0
        ? (low >>> 12) & 511
        : level === 1
          ? (low >>> 21) & 511
          : level === 2
            ? ((low >>> 30) | (high << 2)) & 511
            : (high >>> 7) & 511;
    const frame = (table >>> 0) - RAM_FIRST_PAGE;
    const inRam = tableHigh === 0 && frame >= 0 && frame < ramBytes / 4096;
    if (!inRam || (regions !== undefined && !readableTable(regions, table >>> 0, index))) {
      out.outcome = 'access-fault';
      return;
    }
    if ((state.bytes[FRAME_FLAGS.base + frame]! & FRAME.absent) !== 0) {
      out.outcome = 'absent';
      out.page = table >>> 0;
      return;
    }
    const at = (RAM_OFFSET >>> 2) + frame * 1024 + index * 2;
    const pteLow = state.words[at]!;
    const pteHigh = state.words[at + 1]!;
    if ((pteLow & PTE.V) === 0 || (pteLow & (PTE.R | PTE.W)) === PTE.W) return;
    if ((pteHigh & PTE_HIGH_RESERVED) !== 0) return;
    const page = (pteLow >>> 10) | (pteHigh << 22);
    const pageHigh = (pteHigh >>> 10) & 0xfff;
    if ((pteLow & (PTE.R | PTE.X)) === 0) {
      // A pointer to the next level has D, A, U and PBMT clear.
      if ((pteLow & (PTE.D | PTE.A | PTE.U)) !== 0 || (pteHigh & PTE_HIGH_PBMT) !== 0) return;
      table = page;
      tableHigh = pageHigh;
      continue;
    }
    // Memory types exist only while menvcfg.PBMTE is set, and 3 is none (Svpbmt §12.7).
    if ((pteHigh & PTE_HIGH_PBMT) === PTE_HIGH_PBMT) return;
    if ((pteHigh & PTE_HIGH_PBMT) !== 0 && !typed) return;
    if (access === 'fetch') {
      if ((pteLow & PTE.X) === 0) return;
    } else if (access === 'store') {
      if ((pteLow & PTE.W) === 0) return;
    } else if ((pteLow & PTE.R) === 0 && !((status & STATUS.MXR) !== 0 && (pteLow & PTE.X) !== 0)) return;
    if ((pteLow & PTE.U) === 0) {
      if (privilege === PRIVILEGE.U) return;
    } else if (privilege === PRIVILEGE.S && (access === 'fetch' || !sum)) return;
    if ((pteLow & PTE.A) === 0 || (access === 'store' && (pteLow & PTE.D) === 0)) return;
    // A large leaf is aligned to its span, and the address's own bits take the place of the zeros.
    const within = (1 << (9 * level)) - 1;
    if ((page & within) !== 0) return;
    out.outcome = 'ok';
    out.large = level > 0;
    out.page = pageHigh * 2 ** 32 + ((page | (((low >>> 12) | (high << 20)) & within)) >>> 0);
    return;
  }
}

/** Whether PMP lets S-mode read one entry of a table. */
function readableTable(regions: readonly PmpRegion[], page: number, index: number): boolean {
  return pmpAllows(regions, page * 4096 + index * 8, 8, PMP_ACCESS.read, PRIVILEGE.S);
}
