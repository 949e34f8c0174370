import { type ChildProcess, spawn } from 'node:child_process';
import type { Duplex } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { type BundleName, bundleUrl } from '../bundles.ts';
import { streamChannel } from '../channels/stream-channel.ts';
import type { OpenDisk } from '../open-disks.ts';
import type { Deprivileged } from './deprivileged.ts';

/** Inherited descriptors of a slice, in the order of its channels, and the first one of storage. */
const FIRST = 3;

/**
 * Slice and storage as child processes with nothing but inherited descriptors and an empty environment; between the two
 * the launcher passes bytes on that it does not look at. They end by themselves when their pipes close.
 */
export function startProcesses(disks: readonly OpenDisk[]): Deprivileged {
  const slice = child('slice', [], ['pipe', 'pipe', 'pipe']);
  const descriptors = disks.flatMap(({ descriptor, overlay }) =>
    overlay === undefined ? [descriptor] : [descriptor, overlay],
  );
  let next = FIRST + 1;
  const bindings = disks.map((disk) => ({
    ...disk,
    descriptor: next++,
    ...(disk.overlay === undefined ? {} : { overlay: next++ }),
  }));
  const storage = child('storage', [JSON.stringify(bindings)], ['pipe', ...descriptors]);
  const [machinePipe, storagePipe, controlPipe] = [0, 1, 2].map((index) => pipeOf(slice, index));
  const farPipe = pipeOf(storage, 0);
  storagePipe!.pipe(farPipe).pipe(storagePipe!);
  for (const pipe of [storagePipe!, farPipe]) pipe.on('error', () => undefined);
  const machine = streamChannel(machinePipe!);
  const control = streamChannel(controlPipe!);
  const ended = Promise.all(
    [slice, storage].map((one) => new Promise<void>((resolve) => one.once('exit', () => resolve()))),
  );
  return {
    machine,
    control,
    async stop() {
      for (const channel of [machine, control]) channel.close('The run is over');
      storagePipe!.end();
      farPipe.end();
      const clock = setTimeout(() => [slice, storage].map((one) => one.kill('SIGKILL')), STOP_MS);
      await ended;
      clearTimeout(clock);
    },
  };
}

/** How long storage may take to finish its writes, in milliseconds. */
const STOP_MS = 10_000;

function child(bundle: BundleName, args: readonly string[], descriptors: readonly ('pipe' | number)[]): ChildProcess {
  return spawn(process.execPath, [fileURLToPath(bundleUrl(bundle)), ...args], {
    env: {},
    // A terminal's Ctrl-C is the guest's, not theirs.
    detached: true,
    stdio: ['ignore', 'ignore', 'inherit', ...descriptors],
  });
}

const pipeOf = (process: ChildProcess, index: number): Duplex => process.stdio[FIRST + index] as unknown as Duplex;
