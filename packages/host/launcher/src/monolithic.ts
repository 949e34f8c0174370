import { randomBytes } from 'node:crypto';
import { Worker } from 'node:worker_threads';
import { boardOf, memoryPages, stopHarts } from '@cloister/hardware';
import { createMonitor, type DeviceConfig, type Entry, type Monitor } from '@cloister/monitor';
import type { Channel } from '@cloister/protocol';
import { start as startSlice } from '@cloister/slice';
import { start as startStorage } from '@cloister/storage';
import { memoryChannel } from './channels/memory-channel.ts';
import { type OtherCompartments, startChildren } from './compartments/children.ts';
import type { OpenDisk } from './open-disks.ts';

/** Slice and storage in this process, or in a child process each, over pipes. */
export type CompartmentForm = 'one-process' | 'child-processes';

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
  /** Where slice and storage run. */
  readonly form: CompartmentForm;
  /** What plays hart 0 in its thread. */
  readonly hart: URL;
  log(line: string): void;
  /** The hart's thread failed: a defect of the machine, not of the guest. */
  failed(reason: string): void;
}

const HARTS = 1;
/** How long a hart that was asked to stop may take before its thread is ended, in milliseconds. */
const STOP_MS = 2000;

/** Starts the parts of a VM: the machine in this process, its hart in a worker, slice and storage as `form` says. */
export function startCompartments(config: CompartmentsConfig): Compartments {
  const pages = memoryPages(config.memoryBytes);
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
  const board = boardOf(memory.buffer);
  const others = config.form === 'one-process' ? startHere(config.disks) : startChildren(config.disks);
  let hart: { readonly worker: Worker; readonly ended: Promise<void> } | undefined;

  const monitor: Monitor = createMonitor({
    memory: memory.buffer,
    harts: HARTS,
    devices: config.devices,
    channel: others.machine,
    random: (length) => randomBytes(length),
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
  const served = monitor.run();

  return {
    control: others.control,
    async stop() {
      stopHarts(board, HARTS);
      if (hart !== undefined) {
        const clock = setTimeout(() => void hart?.worker.terminate(), STOP_MS);
        await hart.ended;
        clearTimeout(clock);
      }
      monitor.stop();
      await served;
      await others.stop('The run is over');
    },
  };
}

function startHart(memory: WebAssembly.Memory, config: CompartmentsConfig, { pc, deviceTree, firmwareInfo }: Entry) {
  const worker = new Worker(config.hart, {
    workerData: {
      memory,
      hart: 0,
      ramBytes: config.memoryBytes,
      entry: { pc, a0: 0, a1: deviceTree, a2: firmwareInfo },
      firmware: firmwareInfo !== 0,
    },
  });
  worker.on('message', (end: { kind: 'stopped' } | { kind: 'failed'; message: string }) => {
    if (end.kind === 'failed') config.failed(end.message);
  });
  worker.on('error', (error) => config.failed(error.message));
  return { worker, ended: new Promise<void>((resolve) => worker.once('exit', () => resolve())) };
}

/** Slice and storage in this process, over channels of copied bytes. */
function startHere(disks: readonly OpenDisk[]): OtherCompartments {
  const [machine, sliceToMachine] = memoryChannel();
  const [sliceToStorage, storageToSlice] = memoryChannel();
  const [control, sliceToControl] = memoryChannel();
  const storage = startStorage({ slice: storageToSlice }, disks);
  startSlice({ machine: sliceToMachine, storage: sliceToStorage, control: sliceToControl });
  return {
    machine,
    control,
    async stop(reason) {
      await storage.settled();
      control.close(reason);
      machine.close(reason);
    },
  };
}
