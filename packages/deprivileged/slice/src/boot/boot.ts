import { type Blob, type BootPlan, KERNEL_HEAD_BYTES, planBoot } from '@cloister/boot-plan';
import type { FromSlice, Platform, ToMachine, ToSlice } from '@cloister/protocol';

type BootStart = Extract<ToSlice, { kind: 'boot.start' }>;
type BootData = Extract<ToSlice, { kind: 'boot.data' }>;

/** A boot on its way: what was asked for, what has been placed. */
export interface Boot {
  readonly platform: Platform;
  readonly start: BootStart;
  /** Known once the kernel's head is. */
  plan: BootPlan | undefined;
  /** Updates of the plan: how many are placed, and how many were placed or asked for. */
  placed: number;
  asked: number;
  /** What came before its turn: the digest knows the plan's order alone. */
  readonly early: Map<string, Uint8Array>;
}

export interface BootPorts {
  /** Begins the launch and gives the VM its frames. */
  begin(): void;
  toMachine(message: ToMachine): void;
  toLauncher(message: FromSlice): void;
}

/** Reads that are under way at once. */
const READS_MAX = 8;

/** Asks for the kernel's head; the rest follows once that is known to be a kernel. */
export function beginBoot(platform: Platform, start: BootStart, ports: BootPorts): Boot {
  const length = Math.min(start.kernelBytes, KERNEL_HEAD_BYTES);
  ports.toLauncher({ kind: 'boot.read', blob: 'kernel', offset: 0, length });
  return { platform, start, plan: undefined, placed: 0, asked: 0, early: new Map() };
}

const nameOf = (blob: Blob, offset: number): string => `${blob} ${offset}`;

/** Bytes of a file have come. Returns why the boot cannot go on, or undefined. */
export function bootData(boot: Boot, data: BootData, ports: BootPorts): string | undefined {
  if (boot.plan === undefined) {
    const planned = planBoot(boot.platform, boot.start, data.bytes);
    if (!planned.ok) return planned.reason;
    boot.plan = planned.plan;
    ports.begin();
  } else {
    if (!isAwaited(boot, boot.plan, data)) return 'Bytes came that were not asked for';
    // A view of a frame of the channel.
    boot.early.set(nameOf(data.blob, data.offset), data.bytes.slice());
  }
  goOn(boot, boot.plan, ports);
  return undefined;
}

function isAwaited({ placed, asked, early }: Boot, { updates }: BootPlan, { blob, offset, bytes }: BootData): boolean {
  const isIt = (update: BootPlan['updates'][number]): boolean =>
    'from' in update &&
    update.from.blob === blob &&
    update.from.offset === offset &&
    update.from.length === bytes.length;
  return !early.has(nameOf(blob, offset)) && updates.slice(placed, asked).some(isIt);
}

/** Places what is there, in the plan's order, asks for more, and finishes after the last. */
function goOn(boot: Boot, { updates, end }: BootPlan, ports: BootPorts): void {
  for (let update = updates[boot.placed]; update !== undefined; update = updates[boot.placed]) {
    const { address } = update;
    const name = 'from' in update ? nameOf(update.from.blob, update.from.offset) : '';
    const bytes = 'bytes' in update ? update.bytes : boot.early.get(name);
    if (bytes === undefined) break;
    boot.early.delete(name);
    ports.toMachine({ kind: 'launch.update', address, bytes });
    boot.placed += 1;
  }
  boot.asked = Math.max(boot.asked, boot.placed);
  while (boot.asked < updates.length && boot.asked - boot.placed < READS_MAX) {
    const update = updates[boot.asked]!;
    if ('from' in update) ports.toLauncher({ kind: 'boot.read', ...update.from });
    boot.asked += 1;
  }
  if (boot.placed < updates.length) return;
  ports.toMachine({ kind: 'hart.init', hart: 0 });
  ports.toMachine({ kind: 'launch.finish', ...end });
}
