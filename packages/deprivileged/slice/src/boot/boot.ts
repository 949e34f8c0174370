import {
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
  const base = data.blob === 'kernel' ? boot.placement.kernel : boot.placement.initrd!.start;
  ports.toMachine({ kind: 'launch.update', address: base + data.offset, bytes: data.bytes });
  askForMore(boot, ports);
  if (boot.awaited.size === 0 && boot.next === undefined) finish(boot, boot.placement, ports);
  return undefined;
}

function placeKernel(boot: Boot, head: BootData, ports: BootPorts): string | undefined {
  const { kernelBytes, initrdBytes } = boot.start;
  const inspected = inspectKernel(head.bytes, kernelBytes);
  if (!inspected.ok) return inspected.reason;
  const placement = place(boot.platform, inspected.image, initrdBytes);
  if (typeof placement === 'string') return placement;
  boot.placement = placement;
  boot.next = { blob: 'kernel', offset: 0 };
  askForMore(boot, ports);
  return undefined;
}

function askForMore(boot: Boot, ports: BootPorts): void {
  while (boot.next !== undefined && boot.awaited.size < READS_MAX) {
    const { blob, offset } = boot.next;
    const size = blob === 'kernel' ? boot.start.kernelBytes : boot.start.initrdBytes;
    const length = Math.min(LAUNCH_UPDATE_BYTES_MAX, size - offset);
    if (length > 0) {
      boot.awaited.add(`${blob} ${offset}`);
      ports.toLauncher({ kind: 'boot.read', blob, offset, length });
    }
    if (offset + length < size) boot.next = { blob, offset: offset + length };
    else boot.next = blob === 'kernel' ? { blob: 'initrd', offset: 0 } : undefined;
  }
}

function finish(boot: Boot, placement: Placement, ports: BootPorts): void {
  const { initrd, deviceTree, kernel } = placement;
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
  ports.toMachine({ kind: 'launch.finish', pc: kernel, deviceTree, rngSeed });
}
