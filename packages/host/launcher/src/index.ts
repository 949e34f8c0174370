export type * from './virtual-machine.ts';
