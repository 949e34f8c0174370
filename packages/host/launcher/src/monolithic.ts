import { randomBytes } from 'node:crypto';
import { Worker } from 'node:worker_threads';
import { boardOf, memoryPages, stopHarts } from '@cloister/hardware';
import { createMonitor, type DeviceConfig, type Monitor } from '@cloister/monitor';
import type { Channel, LaunchEnd } from '@cloister/protocol';
import { start as startSlice } from '@cloister/slice';
import { start as startStorage } from '@cloister/storage';
import { memoryChannel } from './channels/memory-channel.ts';
import type { Deprivileged } from './compartments/deprivileged.ts';
import type { OpenDisk } from './open-disks.ts';

/** The compartments of one VM, running. */
export interface Compartments {
  /** To the slice. */
  readonly control: Channel;
  /** Stops the hart, the monitor and the channels; resolves once nothing of the VM runs and its writes are done. */
  stop(): Promise<void>;
}

export interface CompartmentsConfig {
  readonly memoryBytes: number;
  readonly devices: readonly DeviceConfig[];
  readonly disks: readonly OpenDisk[];
  /** The bundle that runs as hart 0's thread. */
  readonly hart: URL;
  /** Starts slice and storage. */
  readonly deprivileged: (disks: readonly OpenDisk[], log: (line: string) => void) => Deprivileged;
  log(line: string): void;
  /** The hart's thread failed: a defect of the machine, not of the guest. */
  failed(reason: string): void;
  /** The hart has stopped: how many instructions it retired. */
  retired(instructions: number): void;
}

const HARTS = 1;
/** How long a hart that was asked to stop may take before its thread is ended, in milliseconds. */
const STOP_MS = 2000;

/**
 * A VM's machine in this process, the hart in a worker, and slice and storage where `deprivileged` starts them.
 * @throws RangeError for more memory than there is, or more devices than fit; nothing is left running then
 */
export async function startCompartments(config: CompartmentsConfig): Promise<Compartments> {
  const pages = memoryPages(config.memoryBytes);
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
  const board = boardOf(memory.buffer);
  const deprivileged = config.deprivileged(config.disks, config.log);
  let hart: { readonly worker: Worker; readonly ended: Promise<void> } | undefined;

  let monitor: Monitor;
  try {
    monitor = createMonitor({
      memory: memory.buffer,
      harts: HARTS,
      devices: config.devices,
      channel: deprivileged.machine,
      random: (length) => randomBytes(length),
      now: () => performance.now(),
      start: (entry) => {
        hart = startHart(memory, config, entry);
      },
      log: config.log,
      pause: (milliseconds) =>
        new Promise((resolve) => {
          if (milliseconds === 0) setImmediate(resolve);
          else setTimeout(resolve, milliseconds);
        }),
    });
  } catch (error) {
    await deprivileged.stop();
    throw error;
  }
  const served = monitor.run();

  return {
    control: deprivileged.control,
    async stop() {
      stopHarts(board, HARTS);
      if (hart !== undefined) {
        const clock = setTimeout(() => void hart?.worker.terminate(), STOP_MS);
        await hart.ended;
        clearTimeout(clock);
      }
      monitor.stop();
      await served;
      await deprivileged.stop();
    },
  };
}

function startHart(
  memory: WebAssembly.Memory,
  config: CompartmentsConfig,
  { pc, deviceTree, firmwareInfo }: LaunchEnd,
) {
  const worker = new Worker(config.hart, {
    workerData: {
      memory,
      hart: 0,
      ramBytes: config.memoryBytes,
      entry: { pc, a0: 0, a1: deviceTree, a2: firmwareInfo },
      firmware: firmwareInfo !== 0,
    },
  });
  worker.on('message', (end: { kind: 'stopped'; retired: number } | { kind: 'failed'; message: string }) => {
    if (end.kind === 'failed') config.failed(end.message);
    else config.retired(end.retired);
  });
  worker.on('error', (error) => config.failed(error.message));
  return { worker, ended: new Promise<void>((resolve) => worker.once('exit', () => resolve())) };
}

/** Slice and storage in this process, over channels of copied bytes. */
export function startInProcess(disks: readonly OpenDisk[]): Deprivileged {
  const [machine, sliceToMachine] = memoryChannel();
  const [sliceToStorage, storageToSlice] = memoryChannel();
  const [control, sliceToControl] = memoryChannel();
  const storage = startStorage(storageToSlice, disks);
  startSlice({ machine: sliceToMachine, storage: sliceToStorage, control: sliceToControl });
  return {
    machine,
    control,
    async stop() {
      await storage.settled();
      for (const channel of [machine, sliceToStorage, control]) channel.close('The run is over');
    },
  };
}
