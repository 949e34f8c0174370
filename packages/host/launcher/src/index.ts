export { LaunchError } from './launch-error.ts';
export { type LaunchOptions, startVirtualMachine } from './start-virtual-machine.ts';
export type * from './virtual-machine.ts';
