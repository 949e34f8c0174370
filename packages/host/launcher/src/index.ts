export { type LaunchOptions, startVirtualMachine } from './start-virtual-machine.ts';
export type * from './virtual-machine.ts';
