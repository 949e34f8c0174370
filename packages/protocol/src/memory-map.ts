/**
 * The guest's physical address map, as one table: what machine, slice and owner agree on. Addresses and lengths in bytes;
 * a guest physical address fits a JavaScript number. Devices marked `hart` answer on the hart's own thread; `monitor`
 * means an exit to the I/O gate.
 */
export const MEMORY_MAP = {
  /** SiFive test finisher ("syscon"): a store ends the run (power-off, failure) or resets. */
  syscon: { base: 0x0010_0000, length: 0x1000, answers: 'hart' },
  /** Goldfish real-time clock. */
  rtc: { base: 0x0010_1000, length: 0x1000, answers: 'hart' },
  /** ACLINT MSWI (0x0000) and MTIMER (0x4000), laid out as SiFive's CLINT. */
  clint: { base: 0x0200_0000, length: 0x1_0000, answers: 'hart' },
  /** Platform-level interrupt controller: contexts 2h (M) and 2h+1 (S) of hart h. */
  plic: { base: 0x0c00_0000, length: 0x60_0000, answers: 'hart' },
  /** ns16550a. */
  uart: { base: 0x1000_0000, length: 0x100, answers: 'hart' },
  /** PCI configuration space (ECAM) of bus 0: 32 devices of 8 functions of 4 KiB. */
  pciConfig: { base: 0x3000_0000, length: 0x10_0000, answers: 'monitor' },
  /** 32-bit memory window in which the guest places the devices' BARs. */
  pciMemory: { base: 0x4000_0000, length: 0x4000_0000, answers: 'monitor' },
  ram: { base: 0x8000_0000, length: 0xc000_0000, answers: 'memory' },
} as const;

/** PLIC interrupt sources; 0 means none (PLIC 1.0 §1.4). PCI device n of bus 0 raises `pciFirst + n`. */
export const INTERRUPT_SOURCE = { uart: 10, rtc: 11, pciFirst: 16 } as const;

/** PCI devices on bus 0 that can raise an interrupt: one source each, 31 sources in all. */
export const PCI_DEVICES = 16;

/** Counter frequency of `time` and `mtime` in Hz. */
export const TIMEBASE_HZ = 10_000_000;

export const HARTS_MAX = 8;

/** A frame of guest RAM, the unit of the page information table, in bytes. */
export const FRAME_BYTES = 4096;

/** Frames of a machine at the most: RAM of 3 GiB. */
export const FRAMES_MAX = MEMORY_MAP.ram.length / FRAME_BYTES;
