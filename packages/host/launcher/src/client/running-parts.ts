import type { Channel } from '@cloister/protocol';
import type { MachineSettings } from '../compartments/machine.ts';
import type { StorePlan } from './plan-stores.ts';
import type { LaunchOptions } from './start-virtual-machine.ts';

/** A VM's parts, running somewhere. */
export interface RunningParts {
  readonly id: string;
  /** The client's link to the slice. */
  readonly control: Channel;
  /** Called when someone asks for the VM's end in order. */
  onStop: (() => void) | undefined;
  /** Resolves when they have ended by themselves, with why. */
  readonly failed: Promise<string>;
  /** Ends them; resolves once nothing of the VM runs and its files are closed. */
  stop(): Promise<void>;
}

/**
 * Opens the stores of a VM, asks `settle` what its machine is, and starts its parts.
 * @param settle gets the lengths of the stores in bytes, and may throw
 * @throws LaunchError; nothing is left then
 */
export type StartParts = (
  plan: StorePlan,
  settle: (bytes: readonly number[]) => Promise<MachineSettings>,
  options: LaunchOptions,
) => Promise<RunningParts>;
