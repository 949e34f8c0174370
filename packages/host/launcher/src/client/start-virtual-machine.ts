import type { ToSlice } from '@cloister/protocol';
import type { MachineSettings } from '../compartments/machine.ts';
import { writeBootFiles } from './boot-files.ts';
import { startCompartments } from './compartments.ts';
import { openControlLink } from './control-link.ts';
import { launchDigest } from './launch-digest.ts';
import { LaunchError } from './launch-error.ts';
import { bootMessage, machineSettings } from './machine-settings.ts';
import { planStores } from './plan-stores.ts';
import type { RunningParts } from './running-parts.ts';
import type { MachineEnd, VirtualMachine, VirtualMachineConfig } from './virtual-machine.ts';

/** How a VM is put together; the defaults are what users get. */
export interface LaunchOptions {
  /** `compartments`: its parts are processes (the default). `monolithic`: one process, direct calls, no encryption. */
  readonly form?: 'compartments' | 'monolithic';
  /** Its number, from `newMachineId`. */
  readonly id?: string;
  /** What `ps` shows of it. */
  readonly label?: string;
  /** Refuse to run below the full protection level. */
  readonly strict?: boolean;
  /** CPU time that it may have, in CPUs, and its weight among VMs that want more than there is. */
  readonly cpus?: number;
  readonly weight?: number;
  /** The VM ends if its slice has not started the guest so many milliseconds after it was started itself. */
  readonly bootMs?: number;
  /** Other builds of its parts; a test puts drivers without a hart in the hart's place. */
  readonly builds?: { readonly slice?: string; readonly hart?: string };
  /** One line for the operator: a malformed ring, a refused call. */
  readonly log?: (line: string) => void;
  /** How many instructions the guest had retired when it stopped; called before `ended` resolves. For measurements. */
  readonly retired?: (instructions: number) => void;
}

/**
 * Starts a virtual machine and resolves once its guest runs.
 * @throws LaunchError with one line when a file cannot be opened, the kernel is refused or the machine fails; nothing is
 * left running then
 */
export async function startVirtualMachine(
  config: VirtualMachineConfig,
  options: LaunchOptions = {},
): Promise<VirtualMachine> {
  const files = await writeBootFiles([config.kernel, config.initrd, config.firmware]);
  let parts: RunningParts;
  let boot: Extract<ToSlice, { kind: 'boot.start' }>;
  try {
    const plan = planStores(config, files.pathOf);
    const settle = async (bytes: readonly number[]): Promise<MachineSettings> => {
      boot = bootMessage(config, plan, bytes);
      const { bootMs } = options;
      const settings = { ...machineSettings(config, plan, bytes), ...(bootMs === undefined ? {} : { bootMs }) };
      // The baseline measures nothing.
      if (options.form === 'monolithic') return settings;
      return { ...settings, expectedDigest: await launchDigest(config, plan, bytes) };
    };
    // The only file that knows the compartments' code; loaded on demand.
    const start =
      options.form === 'monolithic' ? (await import('../monolithic.ts')).startMonolithic : startCompartments;
    parts = await start(plan, settle, options);
  } finally {
    await files.remove();
  }
  const link = openControlLink(parts.control, config.ports ?? [], boot!);
  let killed: () => void = () => undefined;
  const over = Promise.race([
    link.ended,
    parts.failed.then((reason): MachineEnd => ({ kind: 'failed', reason })),
    new Promise<MachineEnd>((resolve) => {
      killed = () => resolve({ kind: 'killed' });
    }),
  ]);
  const ended = over.then(async (end) => {
    await parts.stop();
    link.abandon(end);
    return end;
  });
  const refused = await Promise.race([
    link.booted,
    over.then((end) => new LaunchError('failed', end.kind === 'failed' ? end.reason : 'It was stopped')),
  ]);
  if (refused !== undefined) {
    killed();
    await ended;
    throw refused;
  }
  return {
    id: parts.id,
    serial: link.serial,
    console: link.console,
    ports: link.named,
    ended,
    resize: link.resize,
    kill: killed,
    set onStop(listener: (() => void) | undefined) {
      parts.onStop = listener;
    },
    get onStop() {
      return parts.onStop;
    },
  };
}
