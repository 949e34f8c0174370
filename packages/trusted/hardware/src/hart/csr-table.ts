import { SLOT, STATUS } from './csr-slots.ts';

/**
 * The CSRs that are storage: number, slot, and which bits can be written (privileged specification §2.2 and the
 * register's own section). Bits that cannot be written read as the slot holds them, under `visible`. Registers with a
 * meaning of their own (counters, pmp, satp, floating point, interrupt-pending) are in csr.ts.
 */
export interface StoredCsr {
  readonly number: number;
  readonly slot: number;
  readonly visible: readonly [low: number, high: number];
  readonly writable: readonly [low: number, high: number];
  /** Writing may change translations, privilege of accesses or pending interrupts: the interpreter must reload. */
  readonly reload: boolean;
}

const ALL = [-1, -1] as const;
const NONE = [0, 0] as const;

/** Exceptions that can be delegated: all that this machine raises but calls from M-mode. */
const MEDELEG = 0xb3ff;
/** SSIP, STIP, SEIP. */
const SUPERVISOR_INTERRUPTS = 0x222;
const INTERRUPTS = 0xaaa;
const MSTATUS =
  STATUS.SIE |
  STATUS.MIE |
  STATUS.SPIE |
  STATUS.MPIE |
  STATUS.SPP |
  STATUS.MPP |
  STATUS.FS |
  STATUS.MPRV |
  STATUS.SUM |
  STATUS.MXR |
  STATUS.TVM |
  STATUS.TW |
  STATUS.TSR;
/** sstatus is a view of mstatus; UXL is visible in the upper word. */
const SSTATUS = STATUS.SIE | STATUS.SPIE | STATUS.SPP | STATUS.FS | STATUS.SUM | STATUS.MXR;
/** CBIE, CBCFE, CBZE of xenvcfg; FIOM changes nothing where every access is ordered. */
const ENVCFG = 0xf1;
/** menvcfg.STCE and PBMTE. */
const MENVCFG_HIGH = 0xc000_0000 | 0;

const stored = (
  number: number,
  slot: number,
  writable: readonly [number, number],
  reload = false,
  visible: readonly [number, number] = ALL,
): StoredCsr => ({ number, slot, visible, writable, reload });

const TABLE: readonly StoredCsr[] = [
  stored(0x100, SLOT.mstatus, [SSTATUS, 0], true, [SSTATUS, 0b11]),
  stored(0x105, SLOT.stvec, [~2, -1]),
  stored(0x106, SLOT.scounteren, ALL),
  stored(0x10a, SLOT.senvcfg, [ENVCFG, 0]),
  stored(0x140, SLOT.sscratch, ALL),
  stored(0x141, SLOT.sepc, [~1, -1]),
  stored(0x142, SLOT.scause, ALL),
  stored(0x143, SLOT.stval, ALL),
  stored(0x14d, SLOT.stimecmp, ALL, true),
  stored(0x300, SLOT.mstatus, [MSTATUS, 0], true),
  // misa: no extension can be switched off.
  stored(0x301, SLOT.misa, NONE),
  stored(0x302, SLOT.medeleg, [MEDELEG, 0]),
  stored(0x303, SLOT.mideleg, [SUPERVISOR_INTERRUPTS, 0], true),
  stored(0x304, SLOT.mie, [INTERRUPTS, 0], true),
  stored(0x305, SLOT.mtvec, [~2, -1]),
  stored(0x306, SLOT.mcounteren, ALL),
  stored(0x30a, SLOT.menvcfg, [ENVCFG, MENVCFG_HIGH], true),
  stored(0x340, SLOT.mscratch, ALL),
  stored(0x341, SLOT.mepc, [~1, -1]),
  stored(0x342, SLOT.mcause, ALL),
  stored(0x343, SLOT.mtval, ALL),
];

export const STORED_CSRS: ReadonlyMap<number, StoredCsr> = new Map(TABLE.map((entry) => [entry.number, entry]));
export const CSR_MASKS = { MSTATUS, SSTATUS, SUPERVISOR_INTERRUPTS, INTERRUPTS } as const;
