import { type Blob, type BootPlan, KERNEL_HEAD_BYTES, planBoot } from '@cloister/boot-plan';
import type { FileData, FileRead, Platform, ToMachine, ToSlice } from '@cloister/protocol';

type BootStart = Extract<ToSlice, { kind: 'boot.start' }>;

/** A boot on its way: what was asked for, what has been placed. */
export interface Boot {
  readonly platform: Platform;
  readonly start: BootStart;
  /** Known once the kernel's head is. */
  plan: BootPlan | undefined;
  /** Updates of the plan: how many are placed, and how many were placed or asked for. */
  placed: number;
  asked: number;
  /** By update: what came before its turn, since the digest knows the plan's order alone. */
  readonly early: Map<number, Uint8Array>;
}

export interface BootPorts {
  /** Begins the launch and gives the VM its frames. */
  begin(): void;
  toMachine(message: ToMachine): void;
  toStorage(message: FileRead): void;
}

/** Reads that are under way at once. */
const READS_MAX = 8;

/** The number of the first read, of the kernel's head; those of updates follow it. */
const HEAD = 0;

/** Asks for the kernel's head; the rest follows once that is known to be a kernel. */
export function beginBoot(platform: Platform, start: BootStart, ports: BootPorts): Boot {
  const boot: Boot = { platform, start, plan: undefined, placed: 0, asked: 0, early: new Map() };
  askForHead(boot, ports);
  return boot;
}

function askForHead({ start }: Boot, ports: BootPorts): void {
  ask(ports, start.kernel, HEAD, 0, Math.min(start.kernelBytes, KERNEL_HEAD_BYTES));
}

function ask(ports: BootPorts, store: number, id: number, offset: number, length: number): void {
  ports.toStorage({ kind: 'file.read', store, id, offset, length });
}

/** Storage was replaced: what it has not answered is asked for once more. */
export function askAgain(boot: Boot, ports: BootPorts): void {
  if (boot.plan === undefined) {
    askForHead(boot, ports);
    return;
  }
  boot.asked = boot.placed;
  goOn(boot, boot.plan, ports);
}

/** Bytes of a file have come. Returns why the boot cannot go on, or undefined. */
export function bootData(boot: Boot, { ok, id, bytes }: FileData, ports: BootPorts): string | undefined {
  if (!ok) return 'A file that the guest starts from cannot be read';
  if (boot.plan === undefined) {
    if (id !== HEAD) return undefined;
    const planned = planBoot(boot.platform, boot.start, bytes);
    if (!planned.ok) return planned.reason;
    boot.plan = planned.plan;
    ports.begin();
  } else {
    const number = id - 1;
    const update = boot.plan.updates[number];
    const awaited = number >= boot.placed && number < boot.asked && !boot.early.has(number);
    if (!awaited || update === undefined || !('from' in update) || update.from.length !== bytes.length)
      return 'Storage answered what was not asked';
    // A view of a frame of the channel.
    boot.early.set(number, bytes.slice());
  }
  goOn(boot, boot.plan, ports);
  return undefined;
}

/** Places what is there, in the plan's order, asks for more, and finishes after the last. */
function goOn(boot: Boot, { updates, end }: BootPlan, ports: BootPorts): void {
  for (let update = updates[boot.placed]; update !== undefined; update = updates[boot.placed]) {
    const { address } = update;
    const bytes = 'bytes' in update ? update.bytes : boot.early.get(boot.placed);
    if (bytes === undefined) break;
    boot.early.delete(boot.placed);
    ports.toMachine({ kind: 'launch.update', address, bytes });
    boot.placed += 1;
  }
  boot.asked = Math.max(boot.asked, boot.placed);
  for (; boot.asked < updates.length && boot.asked - boot.placed < READS_MAX; boot.asked += 1) {
    const update = updates[boot.asked]!;
    if (!('from' in update) || boot.early.has(boot.asked)) continue;
    ask(ports, storeOf(boot.start, update.from.blob), boot.asked + 1, update.from.offset, update.from.length);
  }
  if (boot.placed < updates.length) return;
  ports.toMachine({ kind: 'hart.init', hart: 0 });
  ports.toMachine({ kind: 'launch.finish', ...end });
}

const storeOf = (start: BootStart, blob: Blob): number => start[blob];
