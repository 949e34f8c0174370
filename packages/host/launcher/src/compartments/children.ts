import { type ChildProcess, spawn } from 'node:child_process';
import type { Duplex } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { Channel } from '@cloister/protocol';
import { type BundleName, bundleUrl } from '../bundles.ts';
import { streamChannel } from '../channels/stream-channel.ts';
import type { OpenDisk } from '../open-disks.ts';
import { type ChildPlan, FIRST_DESCRIPTOR } from './child-plan.ts';

/** Slice and storage of a VM, wherever they run. */
export interface OtherCompartments {
  /** From the machine to the slice. */
  readonly machine: Channel;
  /** From the launcher to the slice. */
  readonly control: Channel;
  /** Closes their channels; resolves once storage has done what it was asked for. */
  stop(reason: string): Promise<void>;
}

/** How long a child may take to end once its channels are closed, in milliseconds. */
const END_MS = 10_000;

/** Slice and storage as child processes. Each has its pipes and its disks, and of this process's environment nothing. */
export function startChildren(disks: readonly OpenDisk[]): OtherCompartments {
  const slice = startChild('slice', ['machine', 'storage', 'control'], undefined, []);
  const descriptors = disks.flatMap(({ descriptor, overlay }) =>
    overlay === undefined ? [descriptor] : [descriptor, overlay],
  );
  // The same descriptors get other numbers in the child: they follow its one channel.
  const inChild = (descriptor: number): number => FIRST_DESCRIPTOR + 1 + descriptors.indexOf(descriptor);
  const bindings = disks.map((disk) => ({
    ...disk,
    descriptor: inChild(disk.descriptor),
    ...(disk.overlay === undefined ? {} : { overlay: inChild(disk.overlay) }),
  }));
  const storage = startChild('storage', ['slice'], bindings, descriptors);
  connect(pipeOf(slice, 1), pipeOf(storage, 0));
  const machine = streamChannel(pipeOf(slice, 0));
  const control = streamChannel(pipeOf(slice, 2));
  return {
    machine,
    control,
    async stop(reason) {
      const gone = [slice, storage].map(ended);
      control.close(reason);
      machine.close(reason);
      await Promise.all(gone);
    },
  };
}

function startChild(
  name: BundleName,
  channels: readonly string[],
  config: unknown,
  descriptors: readonly number[],
): ChildProcess {
  const plan: ChildPlan = { bundle: bundleUrl(name).href, channels, config };
  return spawn(process.execPath, [fileURLToPath(bundleUrl('compartment')), JSON.stringify(plan)], {
    stdio: ['ignore', 'ignore', 'inherit', ...channels.map(() => 'pipe' as const), ...descriptors],
    env: {},
    // A terminal's Ctrl-C is the guest's, not theirs.
    detached: true,
  });
}

const pipeOf = (child: ChildProcess, channel: number): Duplex => child.stdio[FIRST_DESCRIPTOR + channel] as Duplex;

/** Passes bytes on between two children, which have no other way to one another, and reads none of them. */
function connect(one: Duplex, other: Duplex): void {
  one.pipe(other).pipe(one);
  // A child that is gone shows at both ends as an end of its pipe.
  for (const [pipe, far] of [
    [one, other],
    [other, one],
  ] as const) {
    pipe.on('error', () => far.destroy());
  }
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const clock = setTimeout(() => child.kill('SIGKILL'), END_MS);
  await new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', () => resolve());
  });
  clearTimeout(clock);
}
