import { FIRMWARE_INFO_BYTES, LAUNCH_UPDATE_BYTES_MAX, type LaunchEnd, type PlatformFacts } from '@cloister/protocol';
import { flatten } from './device-tree.ts';
import { inspectKernel } from './kernel-image.ts';
import { describeMachine } from './machine-tree.ts';
import { DEVICE_TREE_BYTES_MAX, type Placement, place } from './placement.ts';

/** The files that a guest starts from. */
export const BLOBS = ['kernel', 'initrd', 'firmware'] as const;
export type Blob = (typeof BLOBS)[number];

/** What is wanted of a boot: lengths in bytes, 0 for no initrd and no firmware. */
export interface BootWish {
  readonly commandLine: string;
  readonly kernelBytes: number;
  readonly initrdBytes: number;
  readonly firmwareBytes: number;
}

/** One `launch.update`: part of a file, or bytes of the plan's own, at a guest physical address. */
export type PlannedUpdate =
  | {
      readonly address: number;
      readonly from: { readonly blob: Blob; readonly offset: number; readonly length: number };
    }
  | { readonly address: number; readonly bytes: Uint8Array };

/** All that a VM starts with, in the order in which it is launched; the launch digest is over exactly this. */
export interface BootPlan {
  readonly updates: readonly PlannedUpdate[];
  readonly end: LaunchEnd;
}

export type Planned = { readonly ok: true; readonly plan: BootPlan } | { readonly ok: false; readonly reason: string };

/** @param head the kernel's first `KERNEL_HEAD_BYTES` bytes, or all of it; a reason is one line for the user */
export function planBoot(platform: PlatformFacts, wish: BootWish, head: Uint8Array): Planned {
  const inspected = inspectKernel(head, wish.kernelBytes);
  if (!inspected.ok) return inspected;
  const placement = place(platform, inspected.image, wish.initrdBytes, wish.firmwareBytes);
  if (typeof placement === 'string') return { ok: false, reason: placement };
  const { kernel, initrd, firmware, deviceTree } = placement;
  const { commandLine } = wish;
  const tree = flatten(describeMachine(platform, initrd === undefined ? { commandLine } : { commandLine, initrd }));
  if (tree.bytes.length > DEVICE_TREE_BYTES_MAX) return { ok: false, reason: 'The command line is too long' };
  return {
    ok: true,
    plan: {
      updates: [
        ...BLOBS.flatMap((blob) => updatesOf(placement, blob, wish[`${blob}Bytes`])),
        { address: deviceTree, bytes: tree.bytes },
        ...(firmware === undefined ? [] : [{ address: firmware.info, bytes: firmwareInfo(kernel) }]),
      ],
      end: {
        pc: firmware?.start ?? kernel,
        deviceTree,
        rngSeed: deviceTree + tree.offsets.get('/chosen/rng-seed')!,
        firmwareInfo: firmware?.info ?? 0,
      },
    },
  };
}

function updatesOf({ kernel, initrd, firmware }: Placement, blob: Blob, size: number): PlannedUpdate[] {
  const base = { kernel, initrd: initrd?.start ?? 0, firmware: firmware?.start ?? 0 }[blob];
  return Array.from({ length: Math.ceil(size / LAUNCH_UPDATE_BYTES_MAX) }, (_, i) => {
    const offset = i * LAUNCH_UPDATE_BYTES_MAX;
    const length = Math.min(LAUNCH_UPDATE_BYTES_MAX, size - offset);
    return { address: base + offset, from: { blob, offset, length } };
  });
}

/** fw_dynamic_info: magic "OSBI", version, where to go, in S mode, no options, hart 0 boots (OpenSBI, fw_dynamic.h). */
function firmwareInfo(kernel: number): Uint8Array {
  const view = new DataView(new ArrayBuffer(FIRMWARE_INFO_BYTES));
  [0x4942534f, 2, kernel, 1, 0, 0].forEach((value, index) => {
    view.setBigUint64(8 * index, BigInt(value), true);
  });
  return new Uint8Array(view.buffer);
}
