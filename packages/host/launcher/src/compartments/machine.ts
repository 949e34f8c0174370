import { randomBytes } from 'node:crypto';
import { readSync, writeSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { Worker } from 'node:worker_threads';
import { boardOf, type Entry, type HartMessage, memoryPages, stopHarts } from '@cloister/hardware';
import { createMonitor, type Monitor, type MonitorConfig } from '@cloister/monitor';
import type { Channel, DeviceConfig } from '@cloister/protocol';

/** What a client says of its VM's machine, as JSON; the machine checks it. */
export interface MachineSettings {
  readonly memoryBytes: number;
  readonly devices: readonly DeviceConfig[];
  /** The launch digest of what the client wants booted, in hexadecimal. */
  readonly expectedDigest?: string;
  /** How long the slice may take until the guest runs, in milliseconds; by default two minutes. */
  readonly bootMs?: number;
}

export interface MachineConfig extends MachineSettings {
  /** To the slice. */
  readonly channel: Channel;
  /** Descriptor of the payload area, which storage has, too. */
  readonly area: number;
  /** The bundle that runs as hart 0's thread. */
  readonly hart: URL;
  /** For the baseline that protects nothing. */
  readonly unsealed?: MonitorConfig['unsealed'];
  /** Under which the scheduler's grants are authenticated. */
  readonly grantKey?: Uint8Array;
  log(line: string): void;
  /** The hart's thread failed: a defect of the machine, not of the guest. */
  failed(reason: string): void;
  /** The hart has run for a second or so. */
  warm?(): void;
  /** The hart has stopped: how many instructions it retired. */
  retired(instructions: number): void;
}

/** A running machine: guest RAM, the monitor's event loop in this thread, the hart in a worker. */
export interface RunningMachine {
  readonly monitor: Monitor;
  /** Stops hart and monitor; resolves once neither runs. */
  stop(): Promise<void>;
}

const HARTS = 1;
/** How long a hart that was asked to stop may take before its thread is ended, in milliseconds. */
const STOP_MS = 2000;
/** Many times what the longest boot of a slice takes on a busy host. */
const BOOT_MS = 120_000;
/** A longer timer than this would be over at once. */
const TIMER_MS_MAX = 2 ** 31 - 1;

/** @throws RangeError for more memory than there is, or more devices than fit; nothing is left running then */
export function startMachine(config: MachineConfig): RunningMachine {
  const pages = memoryPages(config.memoryBytes);
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
  const board = boardOf(memory.buffer);
  let begun = false;
  const monitor = createMonitor({
    memory: memory.buffer,
    harts: HARTS,
    devices: config.devices,
    unsealed: config.unsealed,
    channel: config.channel,
    payloads: payloadsIn(config.area),
    expectedDigest: config.expectedDigest === undefined ? undefined : Buffer.from(config.expectedDigest, 'hex'),
    grantKey: config.grantKey,
    random: (length) => randomBytes(length),
    now: () => performance.now(),
    start: ({ pc, deviceTree, firmwareInfo }) => {
      clearTimeout(booting);
      begun = true;
      const entry: Entry = { pc, a0: 0, a1: deviceTree, a2: firmwareInfo, firmware: firmwareInfo !== 0 };
      hart.worker.postMessage(entry);
    },
    log: config.log,
    pause: (milliseconds) =>
      new Promise((resolve) => {
        if (milliseconds === 0) setImmediate(resolve);
        else setTimeout(resolve, milliseconds);
      }),
  });
  // Its thread takes as long to start as the launch does, which it waits for: 25 ms less until the guest runs (measured).
  const hart = startHart(memory, config);
  const bootMs = Math.min(config.bootMs ?? BOOT_MS, TIMER_MS_MAX);
  const booting = setTimeout(() => config.failed(`The slice did not boot its guest within ${bootMs / 1000} s`), bootMs);
  const served = monitor.run();
  return {
    monitor,
    async stop() {
      clearTimeout(booting);
      stopHarts(board, HARTS);
      const clock = setTimeout(() => void hart.worker.terminate(), begun ? STOP_MS : 0);
      await hart.ended;
      clearTimeout(clock);
      monitor.stop();
      await served;
    },
  };
}

/** A copy of memory each, which no thread would do faster. */
const payloadsIn = (area: number): MonitorConfig['payloads'] => ({
  read: (at, into) => moves(into.length, () => readSync(area, into, 0, into.length, at)),
  write: (at, bytes) => moves(bytes.length, () => writeSync(area, bytes, 0, bytes.length, at)),
});

/** The area is as long as a client's launcher made it, and its host may have no memory left. */
function moves(length: number, act: () => number): boolean {
  try {
    return act() === length;
  } catch {
    return false;
  }
}

function startHart(memory: WebAssembly.Memory, config: MachineConfig) {
  // For the thread: it collects once (hardware/hart/worker.ts).
  setFlagsFromString('--expose-gc');
  const worker = new Worker(config.hart, {
    // A hart makes few objects. From 2 GiB of old generation on V8 copies its builtins, 1.6 MiB, next to the code (measured).
    resourceLimits: { maxYoungGenerationSizeMb: 1, maxOldGenerationSizeMb: 256 },
    workerData: { memory, hart: 0, ramBytes: config.memoryBytes },
  });
  worker.on('message', (message: HartMessage) => {
    if (message.kind === 'warm') config.warm?.();
    else if (message.kind === 'failed') config.failed(message.message);
    else config.retired(message.retired);
  });
  worker.on('error', (error) => config.failed(error.message));
  return { worker, ended: new Promise<void>((resolve) => worker.once('exit', () => resolve())) };
}
