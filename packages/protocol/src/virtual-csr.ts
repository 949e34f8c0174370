/** The virtual CSRs that `csr.read` and `csr.write` can name, and what each of the two may do with it. */
export const VIRTUAL_CSRS = {
  /** Instructions that the hart has retired, as of its last look up from its loop (about 0.1 ms of running). */
  instret: { read: true, write: false },
  /** Microseconds of running that are left of the hart's budget. */
  budget: { read: true, write: false },
  /**
   * A write of an interrupt source raises that line, with the configuration-change bit of the device's ISR, which every
   * virtio driver handles. The source must be one of the VM's own PCI devices, driven by its driver, and its last
   * injection `INJECTION_INTERVAL_MS` ago; other sources stay with the devices that raise them.
   */
  hgeip: { read: false, write: true },
} as const;

export type VirtualCsr = keyof typeof VIRTUAL_CSRS;
export const VIRTUAL_CSR_NAMES = Object.keys(VIRTUAL_CSRS) as readonly VirtualCsr[];

/**
 * Linux turns a line off for good once 99,900 of 100,000 interrupts were nobody's, counting only those within 100 ms of
 * the one before (kernel/irq/spurious.c, `note_interrupt`). So no slice can talk a guest out of a device.
 */
export const INJECTION_INTERVAL_MS = 125;
