export type { Listed } from '@cloister/protocol';
export { newMachineId } from './client/compartments.ts';
export { LaunchError } from './client/launch-error.ts';
export {
  debugMachine,
  type Inspected,
  inspectMachine,
  listMachines,
  tellMachine,
  upgradeMachine,
} from './client/machines.ts';
export { type EnclaveMeasurement, measureEnclave } from './client/measure-enclave.ts';
export type { CompartmentFacts } from './client/process-facts.ts';
export { runtimeDirectory } from './client/runtime-directory.ts';
export { sandboxLevel } from './client/sandbox-level.ts';
export { type LoneCompartment, type StartLone, startBuilder, startEnclave } from './client/start-lone.ts';
export { type LaunchOptions, startVirtualMachine } from './client/start-virtual-machine.ts';
export type * from './client/virtual-machine.ts';
export { operatorLog } from './client/vm-directory.ts';
