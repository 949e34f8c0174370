/**
 * Where everything lies in the machine's one shared WebAssembly memory (at most 4 GiB). Byte offsets. Guest RAM has the
 * upper 3 GiB to itself; below it lie hart states, the board (what hart threads and the monitor share), a byte of flags
 * and a decode slot for each guest frame, and the decode cache.
 */
export const PAGE_BYTES = 4096;

export { HARTS_MAX } from '@cloister/protocol';

/** One hart's record; the hart's interpreter is emitted with these offsets as constants. */
export const HART = {
  base: 0x0001_0000,
  stride: 0x0008_0000,
  /** Integer registers x0..x31, 8 bytes each; x0 is never written. */
  x: 0x000,
  /** Floating-point registers f0..f31, 8 bytes each, singles NaN-boxed. */
  f: 0x100,
  pc: 0x200,
  /** Retired instructions still allowed in this call; counts down. */
  remaining: 0x208,
  /** Decode record of the instruction under execution. */
  ip: 0x20c,
  /** Decode record of offset 0 of the page under execution. */
  pageRecords: 0x210,
  /** Nonzero asks the interpreter to return to its caller. */
  leave: 0x214,
  /** Virtual address of the page under execution. */
  pageAddress: 0x218,
  /** Byte offsets of the data TLBs of the current context. */
  readTlb: 0x220,
  writeTlb: 0x224,
  fetchTlb: 0x228,
  /** Current privilege: 0 U, 1 S, 3 M. */
  privilege: 0x22c,
  /** fflags (5 bits) and frm (3 bits), a word each. */
  fflags: 0x230,
  frm: 0x234,
  /** LR/SC: reserved host offset (0: none) and the value that was read. */
  reservedAt: 0x238,
  reservedValue: 0x240,
  /** A slow load's result, or a slow store's value. */
  slowValue: 0x248,
  /** mstatus, read by the interpreter for FS. */
  status: 0x250,
  /** CSRs that are plain storage: 8 bytes each, see hart/csr-table.ts. */
  csr: 0x400,
  /** Scratch decode records of an instruction that straddles two pages. */
  straddle: 0xf00,
  /** TLBs: four contexts of three tables. */
  tlb: 0x1_0000,
} as const;

/** Software TLB: direct-mapped, an entry is {tag i64: page address or -1, addend i32, frame i32}. */
export const TLB = {
  entries: 256,
  entryBytes: 16,
  tableBytes: 256 * 16,
  contextBytes: 3 * 256 * 16,
  contexts: 4,
} as const;

/** What hart threads and the monitor share beyond guest RAM; words of 32 bits, touched through Atomics. */
export const BOARD = {
  base: 0x0050_0000,
  /** Per hart, 64 bytes apart: nonzero when the hart must look up from its loop (interrupt, stop request). */
  attention: 0x000,
  attentionStride: 64,
  /** Changes whenever the monitor has something to look at; it waits here. */
  monitorWake: 0x200,
  /** Level of each interrupt source, a bit each. */
  lines: 0x240,
  /** Nonzero asks every hart to stop before its next instruction. */
  stop: 0x280,
  /** Per hart, 16 bytes: what is left of its budget in microseconds, and instructions retired (low, high). */
  account: 0x300,
  accountStride: 16,
  /** Per hart, 128 bytes: see board.ts `EXIT`. */
  exit: 0x400,
  exitStride: 128,
  /** Per PCI device, 64 bytes: BAR address, ISR, doorbells. */
  device: 0x1000,
  deviceStride: 64,
  /** UART rings: {head, tail} words, then bytes. */
  uartOut: 0x2000,
  uartOutBytes: 0x1_0000,
  uartIn: 0x1_4000,
  uartInBytes: 0x1000,
  /** PLIC, ACLINT, UART and RTC registers, a plain record each. */
  interruptController: 0x2_0000,
  registers: 0x3_0000,
} as const;

/** One byte for each guest frame (mmu/frame.ts), 3 GiB / 4 KiB of them. */
export const FRAME_FLAGS = { base: 0x0060_0000, length: 0x000c_0000 } as const;

/** Per hart one word for each guest frame: its decode slot + 1, or 0. */
export const FRAME_SLOTS = { base: 0x0080_0000, stride: 0x0030_0000 } as const;

/** Predecoded instructions: a record for each halfword of a page, and end marks. */
export const DECODE = {
  base: 0x0200_0000,
  recordBytes: 8,
  /** 2,048 records of the page, then the end marks, rounded up to a cache line. */
  slotBytes: 2048 * 8 + 64,
  slots: 4096,
  stride: 0x0408_0000,
} as const;

/** Guest RAM, in a range of its own. */
export const RAM_OFFSET = 0x4000_0000;

/** Pages of 64 KiB for a machine with this much RAM. */
export function memoryPages(ramBytes: number): number {
  return (RAM_OFFSET + ramBytes) / 65_536;
}
