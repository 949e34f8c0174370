export { INTERRUPT_SOURCE, MEMORY_MAP, PCI_DEVICES, TIMEBASE_HZ } from '@cloister/protocol';

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

/** Smallest and largest guest RAM in bytes. */
export const RAM_BYTES_MIN = 64 * 1024 * 1024;
export const RAM_BYTES_MAX = 3 * 1024 * 1024 * 1024;
