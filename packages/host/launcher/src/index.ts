export { newMachineId } from './client/compartments.ts';
export { LaunchError } from './client/launch-error.ts';
export { inspectMachine, listMachines, operatorLog, tellMachine, upgradeMachine } from './client/machines.ts';
export { runtimeDirectory } from './client/runtime-directory.ts';
export { sandboxLevel } from './client/sandbox-level.ts';
export { type LaunchOptions, startVirtualMachine } from './client/start-virtual-machine.ts';
export type * from './client/virtual-machine.ts';
export type { CompartmentFacts, Inspected, Listed } from './control.ts';
