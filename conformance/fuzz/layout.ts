/**
 * Where a batch of programs lies in guest RAM, the same here and in the peer: the runtime, then an arena of 64 KiB for
 * each program. Everything that a program can change lies in its arena, which is compared in whole. Byte offsets.
 */
export const RAM_BASE = 0x8000_0000;
export const RAM_BYTES = 128 * 2 ** 20;
export const PAGE = 4096;

export const RUNTIME = {
  /** Entry, trap handler of M-mode, setup and epilogue. */
  machine: RAM_BASE,
  /** Trap handler of S-mode: a page of its own, since every page table maps it. */
  supervisor: RAM_BASE + 0x4000,
  /** The store here ends the run on our side; the peer goes on to its test finisher. */
  done: RAM_BASE + 0x8000,
} as const;

export const ARENA_BASE = RAM_BASE + 2 * 2 ** 20;
export const ARENA_BYTES = 16 * PAGE;
/** Programs of a batch; the peer keeps its device tree in the last 16 MiB of RAM. */
export const PROGRAMS_MAX = 1500;

export const arenaOf = (index: number): number => ARENA_BASE + index * ARENA_BYTES;

/** Pages of an arena. */
export const ARENA_PAGE = {
  /** Initial and final state, see CONTROL. */
  control: 0,
  machineLog: 1,
  /** For each halfword of the body, where to go on after a trap there. */
  resume: 2,
  supervisor: 3,
  supervisorLog: 4,
  code: 5,
  data: 8,
  /** Page tables, from the last level to the root of Sv48. */
  tables: 12,
} as const;
export const CODE_PAGES = 3;
export const DATA_PAGES = 4;

/** The control page, which x31 points to throughout. Doublewords, at offsets that fit a load's immediate. */
export const CONTROL = {
  /** Registers of the body while a handler runs. */
  saved: 0,
  traps: 64,
  /** minstret at the last return into the body, and what the body has retired. Counters are not compared. */
  lastRetired: 72,
  retired: 80,
  /** Addresses as the body sees them: its end, the call of the supervisor's handler that ends the program, its start. */
  end: 88,
  supervisorEnd: 96,
  base: 104,
  /** Bytes of the body, and where the resume table lies. */
  length: 112,
  resume: 120,
  /** Next arena, or 0. */
  next: 128,
  x: 256,
  f: 512,
  csr: 768,
  probe: 1024,
  finalX: 1280,
  finalF: 1536,
  finalCsr: 1792,
} as const;

/** A handler's log: cause, epc, tval and status of each trap. */
export const LOG = { entryBytes: 32, entries: 128 } as const;
