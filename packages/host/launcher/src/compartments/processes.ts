import { type ChildProcess, spawn } from 'node:child_process';
import type { Duplex } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { bundleUrl } from '../bundles.ts';
import { streamChannel } from '../channels/stream-channel.ts';
import type { OpenStore } from '../open-disks.ts';
import type { Deprivileged } from './deprivileged.ts';

/** Inherited descriptors of a slice, in the order of its channels, and the first one of storage. */
const FIRST = 3;

/** How long storage may take to finish its writes, in milliseconds. */
const STOP_MS = 10_000;

/** Bytes of one line that a compartment may have logged. */
const LINE_BYTES_MAX = 500;

/**
 * Slice and storage as child processes with nothing but inherited descriptors and an empty environment, and a pipe
 * between the two of which the launcher keeps no end. They end by themselves, the slice when the launcher's pipe
 * closes and storage when the slice's does, and only then: in sessions of their own they hear no signal of the user's
 * terminal, which is the guest's.
 * @throws if a bundle was not built or a process cannot be made; none is left running then
 */
export function startProcesses(stores: readonly OpenStore[], log: (line: string) => void): Deprivileged {
  const [sliceBundle, storageBundle] = [bundleUrl('slice'), bundleUrl('storage')];
  const descriptors = stores.map(({ descriptor }) => descriptor);
  const inherited = stores.map((store, i) => ({ ...store, descriptor: FIRST + 1 + i }));
  const slice = child(sliceBundle, [], ['pipe', 'pipe', 'pipe']);
  const [machinePipe, storagePipe, controlPipe] = [0, 1, 2].map((index) => pipeOf(slice, index));
  let storage: ChildProcess;
  try {
    storage = child(storageBundle, [JSON.stringify(inherited)], [storagePipe!, ...descriptors]);
    storagePipe!.destroy();
  } catch (error) {
    slice.kill('SIGKILL');
    throw error;
  }
  const processes = [
    ['slice', slice],
    ['storage', storage],
  ] as const;
  const ended = Promise.all(processes.map(([name, one]) => endOf(name, one, log)));
  const machine = streamChannel(machinePipe!);
  const control = streamChannel(controlPipe!);
  return {
    machine,
    control,
    async stop() {
      for (const channel of [machine, control]) channel.close('The run is over');
      const clock = setTimeout(() => {
        for (const [, one] of processes) one.kill('SIGKILL');
      }, STOP_MS);
      await ended;
      clearTimeout(clock);
    },
  };
}

function child(bundle: URL, args: readonly string[], descriptors: readonly ('pipe' | number | Duplex)[]): ChildProcess {
  return spawn(process.execPath, [fileURLToPath(bundle), ...args], {
    env: {},
    detached: true,
    stdio: ['ignore', 'ignore', 'pipe', ...descriptors],
  });
}

/** Resolves once the process has ended. What it says on stderr goes to the log: it gets no hold of the terminal. */
function endOf(name: string, process: ChildProcess, log: (line: string) => void): Promise<void> {
  process.stderr!.on('data', (bytes: Buffer) => {
    const text = bytes.subarray(0, LINE_BYTES_MAX).toString('latin1').trim();
    log(`The ${name} says: ${text.replace(/[^\x20-\x7e]+/g, ' ')}`);
  });
  return new Promise((resolve) => {
    process.once('exit', () => resolve());
    process.once('error', (error) => {
      log(`The ${name} cannot be started: ${error.message}`);
      resolve();
    });
  });
}

const pipeOf = (process: ChildProcess, index: number): Duplex => process.stdio[FIRST + index] as unknown as Duplex;
