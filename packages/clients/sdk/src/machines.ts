import {
  debugMachine,
  type Inspected,
  inspectMachine,
  LaunchError,
  type Listed,
  listMachines,
  operatorLog,
  tellMachine,
  upgradeMachine,
} from '@cloister/launcher';
import { decodeMachineStatus, type MachineStatus } from '@cloister/protocol';
import { fail } from './failure.ts';

/** The VMs that run for this user, on this host. Each rejects with a CloisterError (`no-vm`) for one that does not. */
export const machines = {
  list: (): Promise<readonly Listed[]> => told(listMachines()),
  inspect: (vm: string): Promise<Inspected> => told(inspectMachine(vm)),
  /** Asks for its end in order. */
  stop: (vm: string): Promise<void> => told(tellMachine(vm, 'stop')),
  kill: (vm: string): Promise<void> => told(tellMachine(vm, 'kill')),
  /** Gives its slice an inspector; where it listens stands in the operator's log. */
  debug: (vm: string): Promise<void> => told(debugMachine(vm)),
  /** Replaces its slice by the newest build, or the one in that file. */
  upgrade: (vm: string, slice?: string): Promise<void> => told(upgradeMachine(vm, slice)),
  operatorLog,
} as const;

/** How often a machine left its guest, by reason, from its record in `inspect`. */
export function exitCounts(status: string | null): MachineStatus['exits'] | undefined {
  return status === null ? undefined : decodeMachineStatus(Buffer.from(status, 'base64'))?.exits;
}

async function told<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof LaunchError) fail('no-vm', error.message, { cause: error });
    throw error;
  }
}
