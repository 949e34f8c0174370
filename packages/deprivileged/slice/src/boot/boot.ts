import {
  type BlockReply,
  type BlockRequest,
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
type BootData = BlockReply;
type Blob = 'kernel' | 'initrd' | 'firmware';

/** A boot on its way: what was asked for, what has been placed. */
export interface Boot {
  readonly platform: Platform;
  readonly start: BootStart;
  placement: Placement | undefined;
  /** Bytes of kernel and initrd asked for and not placed yet. */
  readonly awaited: Map<number, { blob: Blob; offset: number }>;
  id: number;
  /** What to ask for next. */
  next: { blob: Blob; offset: number } | undefined;
}

export interface BootPorts {
  toMachine(message: ToMachine): void;
  toLauncher(message: FromSlice): void;
  toStorage(message: BlockRequest): void;
}

/** Reads that are under way at once. */
const READS_MAX = 8;

/** Asks for the kernel's head; the rest follows once that is known to be a kernel. */
export function beginBoot(platform: Platform, start: BootStart, ports: BootPorts): Boot {
  const boot: Boot = { platform, start, placement: undefined, awaited: new Map(), next: undefined, id: 0 };
  const length = Math.min(start.kernelBytes, KERNEL_HEAD_BYTES);
  ports.toStorage({
    kind: 'block.request',
    store: start.kernel,
    id: 0,
    operation: 'read',
    offset: 0,
    length,
    bytes: new Uint8Array(0),
  });
  return boot;
}

/** Bytes of kernel or initrd have come. Returns why the boot cannot go on, or undefined. */
export function bootData(boot: Boot, data: BootData, ports: BootPorts): string | undefined {
  if (boot.placement === undefined) return placeKernel(boot, data, ports);
  const was = boot.awaited.get(data.id);
  if (was === undefined) return 'Bytes came that were not asked for';
  boot.awaited.delete(data.id);
  ports.toMachine({ kind: 'launch.update', address: baseOf(boot.placement, was.blob) + was.offset, bytes: data.bytes });
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
      const id = ++boot.id;
      boot.awaited.set(id, { blob, offset });
      ports.toStorage({
        kind: 'block.request',
        store: boot.start[blob],
        id,
        operation: 'read',
        offset,
        length,
        bytes: new Uint8Array(0),
      });
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
