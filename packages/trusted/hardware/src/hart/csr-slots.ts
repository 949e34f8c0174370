import { HART } from '../layout.ts';

/** Storage of the CSRs that hold a value: byte offsets in the hart's record, 8 bytes each. mstatus has its own place. */
const NAMES = [
  'misa',
  'medeleg',
  'mideleg',
  'mie',
  'mip',
  'mtvec',
  'mcounteren',
  'menvcfg',
  'mscratch',
  'mepc',
  'mcause',
  'mtval',
  'stvec',
  'scounteren',
  'senvcfg',
  'sscratch',
  'sepc',
  'scause',
  'stval',
  'stimecmp',
  'satp',
  'instretOffset',
  'cycleOffset',
  'pmpcfg0',
  'pmpcfg2',
  'pmpaddr0',
  'pmpaddr1',
  'pmpaddr2',
  'pmpaddr3',
  'pmpaddr4',
  'pmpaddr5',
  'pmpaddr6',
  'pmpaddr7',
  'pmpaddr8',
  'pmpaddr9',
  'pmpaddr10',
  'pmpaddr11',
  'pmpaddr12',
  'pmpaddr13',
  'pmpaddr14',
  'pmpaddr15',
] as const;

type SlotName = (typeof NAMES)[number] | 'mstatus';

export const SLOT: Readonly<Record<SlotName, number>> = {
  ...(Object.fromEntries(NAMES.map((name, index) => [name, HART.csr + 8 * index])) as Record<SlotName, number>),
  mstatus: HART.status,
};

/** Fields of mstatus (privileged specification §3.1.6), bits of the low word. */
export const STATUS = {
  SIE: 1 << 1,
  MIE: 1 << 3,
  SPIE: 1 << 5,
  MPIE: 1 << 7,
  SPP: 1 << 8,
  MPP: 3 << 11,
  FS: 3 << 13,
  MPRV: 1 << 17,
  SUM: 1 << 18,
  MXR: 1 << 19,
  TVM: 1 << 20,
  TW: 1 << 21,
  TSR: 1 << 22,
} as const;

/** Upper word of mstatus: UXL = SXL = 64-bit. */
export const STATUS_HIGH_XL = 0b1010;
