import { FIRMWARE_INFO_BYTES, FRAME_BYTES, type PlatformFacts } from '@cloister/protocol';
import type { KernelImage } from './kernel-image.ts';

/** Guest physical addresses of what the guest starts with. */
export interface Placement {
  readonly kernel: number;
  readonly initrd: { readonly start: number; readonly end: number } | undefined;
  readonly deviceTree: number;
  /** Firmware at the start of RAM, and what it is told of the kernel. */
  readonly firmware: { readonly start: number; readonly info: number } | undefined;
}

/** Room for the device tree at the end of RAM. */
export const DEVICE_TREE_BYTES_MAX = 64 * 1024 - FIRMWARE_INFO_BYTES;

/** Room for device tree and firmware information at the end of RAM. */
const END_BYTES = 64 * 1024;

/** The kernel low, where it asks to be; device tree and initrd at the end of RAM. A string is why it does not fit. */
export function place(
  platform: PlatformFacts,
  image: KernelImage,
  initrdBytes: number,
  firmwareBytes: number,
): Placement | string {
  const end = platform.ramBase + platform.ramBytes;
  const kernel = platform.ramBase + image.textOffset;
  const deviceTree = end - END_BYTES;
  const start = Math.floor((deviceTree - initrdBytes) / FRAME_BYTES) * FRAME_BYTES;
  if (kernel + image.imageBytes > start) {
    const needed = Math.ceil((image.textOffset + image.imageBytes + initrdBytes + END_BYTES) / 2 ** 20);
    return `Kernel and initrd need ${needed} MiB of memory, the machine has ${platform.ramBytes / 2 ** 20} MiB`;
  }
  if (firmwareBytes > image.textOffset / 2) return 'The firmware does not fit below the kernel';
  const firmware = firmwareBytes === 0 ? undefined : { start: platform.ramBase, info: end - FIRMWARE_INFO_BYTES };
  return { firmware, kernel, initrd: initrdBytes === 0 ? undefined : { start, end: start + initrdBytes }, deviceTree };
}
