/**
 * The one list of what is not compared with the peer, and why. `avoided`: the generator keeps programs out of it, and
 * what `coveredBy` names compares it instead. `masked`: those bits are ignored, at the places that `mask` picks.
 */
interface Difference {
  readonly id: string;
  readonly peer: 'qemu';
  readonly version: '7.2';
  /** What the specification says. */
  readonly clause: string;
  readonly peerDoes: string;
}

interface AvoidedDifference extends Difference {
  readonly kind: 'avoided';
  readonly coveredBy: string;
}

interface MaskedDifference extends Difference {
  readonly kind: 'masked';
  /** Bits of a field that are ignored; `cause` is the logged trap's, for fields of the log. */
  mask(field: string, cause: bigint | undefined, ours: bigint, peers: bigint): bigint;
}

const ALL = 0xffff_ffff_ffff_ffffn;

export const AVOIDED = [
  {
    kind: 'avoided',
    id: 'ctzw',
    peer: 'qemu',
    version: '7.2',
    clause: 'Zbb, ctzw: 32 when the low word is 0',
    peerDoes: 'counts on into the upper word; programs set a low bit first',
    coveredBy: 'hart/emit-interpreter.test.ts, "ctzw does in the interpreter what the evaluator does"',
  },
  {
    kind: 'avoided',
    id: 'fs',
    peer: 'qemu',
    version: '7.2',
    clause: 'privileged §3.1.6.6: FS may be set Dirty imprecisely',
    peerDoes: 'leaves FS as it was when an instruction only raises flags; programs set FS to Off or Dirty alone',
    coveredBy: 'hart/emit-interpreter.test.ts, every floating-point entry with FS 0 to 3',
  },
  {
    kind: 'avoided',
    id: 'sc-permission',
    peer: 'qemu',
    version: '7.2',
    clause: 'Zalrsc: an SC may fault although it would fail',
    peerDoes: 'asks nothing of memory when the reservation is elsewhere; SC here goes where a store is allowed',
    coveredBy: 'hart/emit-interpreter.test.ts, "sc.w" and "sc.d"',
  },
  {
    kind: 'avoided',
    id: 'epc',
    peer: 'qemu',
    version: '7.2',
    clause: 'privileged §3.1.14, §12.1.7: the low bit of xepc is always zero',
    peerDoes: 'keeps the bit until it returns there; bodies write even addresses, and the probe masks the bit',
    coveredBy: 'hart/csr.test.ts, "xepc has no low bit"',
  },
  {
    kind: 'avoided',
    id: 'status-warl',
    peer: 'qemu',
    version: '7.2',
    clause: 'privileged §3.1.6: MPP holds modes that exist alone, UXL is 2 where S is RV64 only',
    peerDoes: 'stores MPP 2 and any UXL; nothing writes these',
    coveredBy: 'hart/csr.test.ts, "mstatus.MPP and UXL hold what exists"',
  },
  {
    kind: 'avoided',
    id: 'warl-other',
    peer: 'qemu',
    version: '7.2',
    clause: 'WARL: xtvec.MODE 2 and 3, satp.MODE 10 (Sv57), pmpcfg W without R (§3.1.7, §12.1.11, §3.7.1)',
    peerDoes: 'ignores the write, accepts it, keeps W; nothing writes these',
    coveredBy: 'hart/csr.test.ts, "reserved modes of satp, xtvec and pmpcfg"',
  },
  {
    kind: 'avoided',
    id: 'svinval-user',
    peer: 'qemu',
    version: '7.2',
    clause: 'Svinval §11.1: SFENCE.W.INVAL and SFENCE.INVAL.IR are illegal in U-mode',
    peerDoes: 'lets them pass',
    coveredBy: 'hart/system.test.ts, "fences of translations are illegal in U-mode"',
  },
  {
    kind: 'avoided',
    id: 'mprv',
    peer: 'qemu',
    version: '7.2',
    clause: 'privileged §3.1.6.3: with MPRV loads and stores, but not fetches, are done as MPP has them',
    peerDoes: 'keeps fetches and both kinds of data accesses in one TLB; bodies set MPRV for one access each',
    coveredBy: 'hart/system.test.ts, "MPRV concerns data alone, and a trap and mret change what it means"',
  },
  {
    kind: 'avoided',
    id: 'read-only',
    peer: 'qemu',
    version: '7.2',
    clause: 'Zicsr §6.1: csrrs and csrrc with a register other than x0 write, whatever it holds',
    peerDoes: 'takes a zero for no write, so that a read-only register can be read so',
    coveredBy: 'hart/csr.test.ts, "a write of nothing to a read-only register is illegal"',
  },
  {
    kind: 'avoided',
    id: 'svpbmt',
    peer: 'qemu',
    version: '7.2',
    clause: 'privileged §12.3.1: bits 60:54 of a page-table entry are reserved; Svpbmt §12.7',
    peerDoes: 'lets the reserved bits pass when Svpbmt is on, so it is off there, and menvcfg.PBMTE 0',
    coveredBy: 'mmu/page-table.test.ts, "memory types need menvcfg.PBMTE"',
  },
  {
    kind: 'avoided',
    id: 'zicbo',
    peer: 'qemu',
    version: '7.2',
    clause: 'CMO §2: Zicbom and Zicboz',
    peerDoes: 'has no such instructions',
    coveredBy: 'hart/system.test.ts, "cache-block operations"; hart/emit-interpreter.test.ts, "cbo.*"',
  },
  {
    kind: 'avoided',
    id: 'svade',
    peer: 'qemu',
    version: '7.2',
    clause: 'Svade: a clear A, or a clear D on a store, is a page fault',
    peerDoes: 'sets the bits in memory; valid leaves here have both',
    coveredBy: 'mmu/page-table.test.ts, "Svade"',
  },
  {
    kind: 'avoided',
    id: 'counters',
    peer: 'qemu',
    version: '7.2',
    clause: 'Zicntr, ID and trigger registers (§3.1.2 to §3.1.5; Sdtrig): values of the implementation',
    peerDoes: 'has others; bodies try whether cycle and instret may be read, not what they hold',
    coveredBy: 'hart/csr.test.ts, "ID and trigger registers" and "counters are readable"; hart/run.test.ts, "counting"',
  },
  {
    kind: 'avoided',
    id: 'void',
    peer: 'qemu',
    version: '7.2',
    clause: "privileged §3.6: what a misaligned or atomic access to vacant addresses raises is the platform's choice",
    peerDoes: 'splits it, and reports the first part as a load; there they are aligned, and AMOs go to memory',
    coveredBy: 'hart/run.test.ts, "misaligned atomics trap, and so does an access outside of RAM"',
  },
  {
    kind: 'avoided',
    id: 'pmp-crossing',
    peer: 'qemu',
    version: '7.2',
    clause: 'privileged §3.7.1: PMP is checked for the physical bytes of an access',
    peerDoes: "checks an access that crosses pages as if it went on in the first frame; none crosses a region's end",
    coveredBy: 'riscv-tests, rv64mi-p-pmpaddr',
  },
] as const satisfies readonly AvoidedDifference[];

/** A register keeps more of what is written than it does here; both are allowed. */
const warl = (field: string, bits: bigint, what: string): MaskedDifference => ({
  kind: 'masked',
  id: `warl ${field}`,
  peer: 'qemu',
  version: '7.2',
  clause: "privileged §2.3: which values of a WARL field are kept is the implementation's choice",
  peerDoes: `keeps ${what}`,
  mask: (name) => (name === field ? bits : 0n),
});

export const MASKED: readonly MaskedDifference[] = [
  {
    kind: 'masked',
    id: 'counters',
    peer: 'qemu',
    version: '7.2',
    clause: 'Zicntr: what an instruction is, and so when minstret moves, is exact here',
    peerDoes: 'takes host time for minstret without -icount',
    mask: (field) => (field === 'retired' || field === 'lastRetired' ? ALL : 0n),
  },
  {
    kind: 'masked',
    id: 'ebreak',
    peer: 'qemu',
    version: '7.2',
    clause: "privileged §3.1.16: after a breakpoint by EBREAK xtval is zero or the instruction's address",
    peerDoes: 'writes zero; the address here',
    mask: (field, cause) => (cause === 3n && field.endsWith(' tval') ? ALL : 0n),
  },
  {
    kind: 'masked',
    id: 'sinval-tval',
    peer: 'qemu',
    version: '7.2',
    clause: 'privileged §3.1.16: after an illegal instruction xtval is zero or the instruction',
    peerDoes: 'writes zero for sinval.vma alone; the instruction here, as for all others',
    mask: (field, cause, ours, peers) =>
      cause === 2n && field.endsWith(' tval') && peers === 0n && (ours & 0xfe00_7fffn) === 0x1600_0073n ? ALL : 0n,
  },
  warl('probe medeleg', 0xf0_4c00n, 'exceptions of the hypervisor, and 10 and 11'),
  warl('final medeleg', 0xf0_4c00n, 'exceptions of the hypervisor, and 10 and 11'),
  warl('probe mideleg', 0x3444n, 'interrupts of the hypervisor, and of counter overflow'),
  warl('final mideleg', 0x3444n, 'interrupts of the hypervisor, and of counter overflow'),
  warl('probe mie', 0x3444n, 'interrupts of the hypervisor, and of counter overflow'),
  warl('probe mip', 0x3444n, 'interrupts of the hypervisor, and of counter overflow'),
  warl('final mip', 0x3444n, 'interrupts of the hypervisor, and of counter overflow'),
  warl('probe sie', 0x3444n, 'interrupts of the hypervisor, and of counter overflow'),
  warl('probe sip', 0x3444n, 'interrupts of the hypervisor, and of counter overflow'),
  warl('probe sstatus', 0x8000_0000_0000_0600n, 'VS without the vector extension, and SD for it'),
  warl('probe mstatus', 0x8000_00c0_0000_0600n, 'VS, SD for it, MPV and GVA'),
  warl('probe satp', 0x0fff_f000_0000_0000n, '16 bits of ASID'),
  warl('probe sepc', 1n, 'the low bit'),
  warl('probe mepc', 1n, 'the low bit'),
  warl('probe pmpaddr1', 0xffc0_0000_0000_0000n, 'bits 63:54'),
];

type AvoidedId = (typeof AVOIDED)[number]['id'];
const avoided = new Map<string, number>();

export function countAvoided(id: AvoidedId): void {
  avoided.set(id, (avoided.get(id) ?? 0) + 1);
}

/** How often the generator kept out of each entry since the start of the process. */
export const avoidedCounts = (): Readonly<Record<string, number>> =>
  Object.fromEntries(AVOIDED.map(({ id }) => [id, avoided.get(id) ?? 0]));
