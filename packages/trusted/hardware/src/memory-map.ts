/**
 * The guest's physical address map, as one table. Addresses and lengths in bytes; a guest physical address fits a
 * JavaScript number. Devices marked `hart` answer on the hart's own thread; `monitor` means an exit to the I/O gate.
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

/** Layout of a virtio device's only BAR (memory, 32-bit), shared by the gate and by the hart, which answers part of it. */
export const VIRTIO_BAR = {
  length: 0x4000,
  common: 0x0000,
  /** Read on the hart's thread: the read clears and lowers the line (virtio 1.2 §4.1.4.5). */
  isr: 0x1000,
  device: 0x2000,
  /** A store rings queue (offset - notify) / notifyMultiplier and never waits (virtio 1.2 §4.1.4.4). */
  notify: 0x3000,
  notifyMultiplier: 4,
} as const;

/** Counter frequency of `time` and `mtime` in Hz. */
export const TIMEBASE_HZ = 10_000_000;

/** Smallest and largest guest RAM in bytes. */
export const RAM_BYTES_MIN = 64 * 1024 * 1024;
export const RAM_BYTES_MAX = 3 * 1024 * 1024 * 1024;
