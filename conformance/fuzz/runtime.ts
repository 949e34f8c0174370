import { type Assembled, assembleLines, jump, type Line, load, readCsr, store, writeCsr } from './assembler.ts';
import { CSR, FINAL_CSRS, INITIAL_CSRS, PROBED_CSRS } from './csrs.ts';
import { arenaOf, CONTROL, LOG, PAGE, RUNTIME } from './layout.ts';

/**
 * What surrounds the programs: for each, a setup that loads the whole state, the body, trap handlers in M and S that log
 * and go on behind the instruction, and an epilogue that stores the whole state. x31 points to the control page
 * (physical), x30 to the supervisor's page as S-mode sees it; bodies write neither.
 */
type HandlerMode = Readonly<Record<'self' | 'epc' | 'cause' | 'tval' | 'status' | 'pending', number>>;
const MACHINE: HandlerMode = {
  self: 31,
  epc: CSR.mepc,
  cause: CSR.mcause,
  tval: CSR.mtval,
  status: CSR.mstatus,
  pending: CSR.mip,
};
const SUPERVISOR: HandlerMode = {
  self: 30,
  epc: CSR.sepc,
  cause: CSR.scause,
  tval: CSR.stval,
  status: CSR.sstatus,
  pending: CSR.sip,
};
const FS_DIRTY = 0x6000;
const [T0, T1, T2, T4] = [5, 6, 7, 29];

/** rd = a + b without `add` (b is changed): a planted fault there should strike the bodies, not what observes them. */
const plus = (rd: number, a: number, b: number): Line[] => [
  ['sub', { rd: b, rs1: 0, rs2: b }],
  ['sub', { rd, rs1: a, rs2: b }],
];

/** Logs the trap and finds where to go on: the next instruction, or ra after a jump out of the body, or, of an interrupt, epc. */
function logAndResume(mode: HandlerMode): Line[] {
  const { self } = mode;
  return [
    // The log lies in the page behind the handler's own.
    ['slli', { rd: T2, rs1: T1, immediate: 5 }],
    ['lui', { rd: T0, immediate: PAGE }],
    ['or', { rd: T2, rs1: T2, rs2: T0 }],
    ...plus(T2, self, T2),
    ...[mode.cause, mode.epc, mode.tval, mode.status].flatMap((csr, index) => [
      readCsr(T0, csr),
      store(T0, 8 * index, T2),
    ]),
    // What the peer leaves there for a breakpoint is not ours (peer differences, "ebreak"): bodies read 0.
    writeCsr(mode.tval, 0),
    ['addi', { rd: T1, rs1: T1, immediate: 1 }],
    store(T1, CONTROL.traps, self),
    readCsr(T0, mode.cause),
    ['blt', { rs1: T0, rs2: 0, to: 'interrupt' }],
    readCsr(T0, mode.epc),
    load(T1, CONTROL.base, self),
    ['sub', { rd: T0, rs1: T0, rs2: T1 }],
    load(T2, CONTROL.length, self),
    ['bgeu', { rs1: T0, rs2: T2, to: 'outside' }],
    load(T2, CONTROL.resume, self),
    ...plus(T0, T0, T2),
    ['lhu', { rd: T0, rs1: T0, immediate: 0 }],
    ...plus(T0, T0, T1),
    writeCsr(mode.epc, T0),
    jump('return'),
    'outside',
    writeCsr(mode.epc, 1),
    jump('return'),
    'interrupt',
    ['csrrci', { rd: 0, rs1: 2, immediate: mode.pending }],
    'return',
  ];
}

const save = (self: number): Line[] => [T0, T1, T2].map((n, index) => store(n, CONTROL.saved + 8 * index, self));
const restore = (self: number): Line[] => [T0, T1, T2].map((n, index) => load(n, CONTROL.saved + 8 * index, self));

/** Leaves for the epilogue when the log is full, or the trap is the body's end. */
const leaveWhenDone = (self: number, epc: number, to: string, ends: readonly number[]): Line[] => [
  load(T1, CONTROL.traps, self),
  ['addi', { rd: T2, rs1: 0, immediate: LOG.entries }],
  ['beq', { rs1: T1, rs2: T2, to }],
  readCsr(T0, epc),
  ...ends.flatMap((end): Line[] => [load(T2, end, self), ['beq', { rs1: T0, rs2: T2, to }]]),
];

/** The handler of S-mode. */
export const SUPERVISOR_RUNTIME: Assembled = assembleLines(
  [
    ...save(30),
    ...leaveWhenDone(30, CSR.sepc, 'end', [CONTROL.end]),
    ...logAndResume(SUPERVISOR),
    ...restore(30),
    ['sret'],
    'end',
    ...restore(30),
    'call',
    ['ecall'],
  ],
  RUNTIME.supervisor,
);
/** Instructions that the handler retires for an exception in the body. */
export const SUPERVISOR_HANDLER_LENGTH = 44;

const address = (rd: number, value: number): Line[] => [
  ['lui', { rd, immediate: value | 0 }],
  ['slli', { rd, rs1: rd, immediate: 32 }],
  ['srli', { rd, rs1: rd, immediate: 32 }],
];

/** Instructions between the two reads of minstret that are not the body's: of setup, and of a trap's way out and in. */
export const OVERHEAD = { once: 34 + 3, trap: 6 + 3 } as const;

const setup: Line[] = [
  'setup',
  // No reservation is left from the program before.
  ['sc.d', { rd: 0, rs1: 31, rs2: 0 }],
  writeCsr(CSR.satp, 0),
  ...PROBED_CSRS.flatMap((name, index) => [
    load(T0, CONTROL.probe + 8 * index, 31),
    writeCsr(CSR[name], T0),
    readCsr(T1, CSR[name]),
    store(T1, CONTROL.probe + 8 * index, 31),
    // Neither MPRV nor an interrupt may strike the runtime.
    writeCsr(CSR.mstatus, 0),
    writeCsr(CSR.mie, 0),
    writeCsr(CSR.satp, 0),
  ]),
  ['lui', { rd: T0, immediate: FS_DIRTY & ~0xfff }],
  writeCsr(CSR.mstatus, T0),
  ...address(T1, RUNTIME.machine),
  ['lui', { rd: T0, immediate: 0x1000 }],
  ['or', { rd: T1, rs1: T1, rs2: T0 }],
  writeCsr(CSR.mtvec, T1),
  ...INITIAL_CSRS.slice(0, -1).flatMap((name, index) => [
    load(T0, CONTROL.csr + 8 * index, 31),
    writeCsr(CSR[name], T0),
  ]),
  ['sfence.vma', { rs1: 0, rs2: 0 }],
  ...Array.from({ length: 32 }, (_, n): Line => ['fld', { rd: n, rs1: 31, immediate: CONTROL.f + 8 * n }]),
  // fcsr, once more: nothing above may leave a flag.
  load(T0, CONTROL.csr + 8 * INITIAL_CSRS.indexOf('fcsr'), 31),
  writeCsr(CSR.fcsr, T0),
  readCsr(T4, CSR.minstret),
  store(T4, CONTROL.lastRetired, 31),
  load(T4, CONTROL.csr + 8 * INITIAL_CSRS.indexOf('mstatus'), 31),
  ...Array.from({ length: 30 }, (_, n) => n + 1)
    .filter((n) => n !== T4)
    .map((n) => load(n, CONTROL.x + 8 * n, 31)),
  // From here on MPRV may translate what this code loads.
  writeCsr(CSR.mstatus, T4),
  ['mret'],
];

const epilogue: Line[] = [
  'epilogue',
  ...Array.from({ length: 31 }, (_, n) => n + 1)
    .filter((n) => n < T0 || n > T2)
    .map((n) => store(n, CONTROL.finalX + 8 * n, 31)),
  ...[T0, T1, T2].flatMap((n, index) => [load(8, CONTROL.saved + 8 * index, 31), store(8, CONTROL.finalX + 8 * n, 31)]),
  readCsr(T0, CSR.mstatus),
  store(T0, CONTROL.finalCsr, 31),
  readCsr(T0, CSR.sstatus),
  store(T0, CONTROL.finalCsr + 8, 31),
  ['lui', { rd: T0, immediate: FS_DIRTY & ~0xfff }],
  ['csrrs', { rd: 0, rs1: T0, immediate: CSR.mstatus }],
  ...FINAL_CSRS.slice(2).flatMap((name, index) => [
    readCsr(T0, CSR[name]),
    store(T0, CONTROL.finalCsr + 8 * (index + 2), 31),
  ]),
  ...Array.from({ length: 32 }, (_, n): Line => ['fsd', { rs2: n, rs1: 31, immediate: CONTROL.finalF + 8 * n }]),
  load(31, CONTROL.next, 31),
  ['beq', { rs1: 31, rs2: 0, to: 'finished' }],
  jump('setup'),
  'finished',
  ...address(T0, RUNTIME.done),
  ['addi', { rd: T1, rs1: 0, immediate: 1 }],
  store(T1, 0, T0),
  // Here the run ends at the next change of context.
  writeCsr(CSR.satp, 0),
  // The SiFive test finisher: pass.
  ['lui', { rd: T0, immediate: 0x10_0000 }],
  ['lui', { rd: T1, immediate: 0x5000 }],
  ['addi', { rd: T1, rs1: T1, immediate: 0x555 }],
  ['sw', { rs1: T0, rs2: T1, immediate: 0 }],
  'park',
  ['wfi'],
  jump('park'),
];

const handler: Line[] = [
  ...save(31),
  readCsr(T0, CSR.minstret),
  load(T1, CONTROL.lastRetired, 31),
  ['sub', { rd: T0, rs1: T0, rs2: T1 }],
  load(T1, CONTROL.retired, 31),
  ...plus(T0, T0, T1),
  store(T0, CONTROL.retired, 31),
  ...leaveWhenDone(31, CSR.mepc, 'far', [CONTROL.end, CONTROL.supervisorEnd]),
  ...logAndResume(MACHINE),
  readCsr(T0, CSR.minstret),
  store(T0, CONTROL.lastRetired, 31),
  ...restore(31),
  ['mret'],
  'far',
  jump('epilogue'),
];

/** Entry at the start of RAM, the handler one page behind it, then setup and epilogue. */
export const MACHINE_RUNTIME: Assembled = (() => {
  const entry: Line[] = [
    readCsr(T0, CSR.mhartid),
    ['bne', { rs1: T0, rs2: 0, to: 'other' }],
    // mtimecmp of hart 0 (ACLINT): no timer interrupt becomes pending.
    ['lui', { rd: T1, immediate: 0x200_4000 }],
    ['addi', { rd: T0, rs1: 0, immediate: -1 }],
    store(T0, 0, T1),
    ...address(31, arenaOf(0)),
    jump('setup'),
    'other',
    ['wfi'],
    jump('other'),
  ];
  const size = entry.filter((line) => typeof line !== 'string').length;
  const padding = Array.from({ length: PAGE / 4 - size }, (): Line => ['ebreak']);
  return assembleLines([...entry, ...padding, ...handler, ...setup, ...epilogue], RUNTIME.machine);
})();
