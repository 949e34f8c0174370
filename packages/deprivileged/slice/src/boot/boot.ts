import {
  FIRMWARE_INFO_BYTES,
  type FromSlice,
  LAUNCH_UPDATE_BYTES_MAX,
  type Platform,
  type ToMachine,
  type ToSlice,
} from '@cloister/protocol';
import { flatten } from './device-tree.ts';
import { inspectKernel, KERNEL_HEAD_BYTES } from './kernel-image.ts';
import { describeMachine } from './machine-tree.ts';
import { DEVICE_TREE_BYTES_MAX, type Placement, place } from './placement.ts';

type BootStart = Extract<ToSlice, { kind: 'boot.start' }>;
type BootData = Extract<ToSlice, { kind: 'boot.data' }>;
type Blob = BootData['blob'];

/** A boot on its way: what was asked for, what has been placed. */
export interface Boot {
  readonly platform: Platform;
  readonly start: BootStart;
  placement: Placement | undefined;
  /** Bytes of kernel and initrd asked for and not placed yet. */
  readonly awaited: Set<string>;
  /** What to ask for next. */
  next: { blob: Blob; offset: number } | undefined;
}

export interface BootPorts {
  toMachine(message: ToMachine): void;
  toLauncher(message: FromSlice): void;
}

/** Reads that are under way at once. */
const READS_MAX = 8;

/** Asks for the kernel's head; the rest follows once that is known to be a kernel. */
export function beginBoot(platform: Platform, start: BootStart, ports: BootPorts): Boot {
  const boot: Boot = { platform, start, placement: undefined, awaited: new Set(), next: undefined };
  const length = Math.min(start.kernelBytes, KERNEL_HEAD_BYTES);
  ports.toLauncher({ kind: 'boot.read', blob: 'kernel', offset: 0, length });
  return boot;
}

/** Bytes of kernel or initrd have come. Returns why the boot cannot go on, or undefined. */
export function bootData(boot: Boot, data: BootData, ports: BootPorts): string | undefined {
  if (boot.placement === undefined) return placeKernel(boot, data, ports);
  if (!boot.awaited.delete(`${data.blob} ${data.offset}`)) return 'Bytes came that were not asked for';
  const base = baseOf(boot.placement, data.blob);
  ports.toMachine({ kind: 'launch.update', address: base + data.offset, bytes: data.bytes });
  askForMore(boot, ports);
  if (boot.awaited.size === 0 && boot.next === undefined) finish(boot, boot.placement, ports);
  return undefined;
}

function baseOf({ kernel, initrd, firmware }: Placement, blob: Blob): number {
  return blob === 'kernel' ? kernel : blob === 'initrd' ? initrd!.start : firmware!.start;
}

/** What is asked for after a blob. */
const AFTER = { kernel: 'initrd', initrd: 'firmware', firmware: undefined } as const;

function placeKernel(boot: Boot, head: BootData, ports: BootPorts): string | undefined {
  const { kernelBytes, initrdBytes, firmwareBytes } = boot.start;
  const inspected = inspectKernel(head.bytes, kernelBytes);
  if (!inspected.ok) return inspected.reason;
  const placement = place(boot.platform, inspected.image, initrdBytes, firmwareBytes);
  if (typeof placement === 'string') return placement;
  boot.placement = placement;
  boot.next = { blob: 'kernel', offset: 0 };
  askForMore(boot, ports);
  return undefined;
}

function askForMore(boot: Boot, ports: BootPorts): void {
  while (boot.next !== undefined && boot.awaited.size < READS_MAX) {
    const { blob, offset } = boot.next;
    const size = boot.start[`${blob}Bytes`];
    const length = Math.min(LAUNCH_UPDATE_BYTES_MAX, size - offset);
    if (length > 0) {
      boot.awaited.add(`${blob} ${offset}`);
      ports.toLauncher({ kind: 'boot.read', blob, offset, length });
    }
    if (offset + length < size) boot.next = { blob, offset: offset + length };
    else {
      const after = AFTER[blob];
      boot.next = after === undefined ? undefined : { blob: after, offset: 0 };
    }
  }
}

function finish(boot: Boot, placement: Placement, ports: BootPorts): void {
  const { initrd, deviceTree, kernel, firmware } = placement;
  const { commandLine } = boot.start;
  const tree = flatten(
    describeMachine(boot.platform, initrd === undefined ? { commandLine } : { commandLine, initrd }),
  );
  if (tree.bytes.length > DEVICE_TREE_BYTES_MAX) {
    ports.toLauncher({ kind: 'boot.refused', reason: 'The command line is too long' });
    return;
  }
  ports.toMachine({ kind: 'launch.update', address: deviceTree, bytes: tree.bytes });
  const rngSeed = deviceTree + tree.offsets.get('/chosen/rng-seed')!;
  ports.toMachine({ kind: 'hart.init', hart: 0 });
  if (firmware !== undefined)
    ports.toMachine({ kind: 'launch.update', address: firmware.info, bytes: firmwareInfo(kernel) });
  const pc = firmware?.start ?? kernel;
  ports.toMachine({ kind: 'launch.finish', pc, deviceTree, rngSeed, firmwareInfo: firmware?.info ?? 0 });
}

/** fw_dynamic_info: magic "OSBI", version, where to go, in S mode, no options, hart 0 boots (OpenSBI, fw_dynamic.h). */
function firmwareInfo(kernel: number): Uint8Array {
  const view = new DataView(new ArrayBuffer(FIRMWARE_INFO_BYTES));
  [0x4942534f, 2, kernel, 1, 0, 0].forEach((value, index) => {
    view.setBigUint64(8 * index, BigInt(value), true);
  });
  return new Uint8Array(view.buffer);
}
