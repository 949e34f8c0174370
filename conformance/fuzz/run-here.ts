import { type BareMachine, createBareMachine } from '@cloister/hardware/bare-machine';
import { ARENA_BYTES, RAM_BASE, RAM_BYTES, RUNTIME } from './layout.ts';

/** Instructions for each program after which a batch is given up: many times what it and its traps can need. */
const LIMIT = 60_000;

/** Runs a batch on the machine of this repository; returns RAM as far as the image goes. @throws if it does not end */
export function runHere(image: Buffer, prepare?: (machine: BareMachine) => void): Buffer {
  const machine = createBareMachine(RAM_BYTES);
  prepare?.(machine);
  machine.load(RAM_BASE, image);
  let done = false;
  machine.watch(RUNTIME.done, () => (done = true));
  machine.start(RAM_BASE);
  const limit = LIMIT * (image.length / ARENA_BYTES);
  machine.run(limit);
  if (!done) throw new Error(`The batch did not end here within ${limit} instructions`);
  return Buffer.from(machine.read(RAM_BASE, image.length).buffer);
}
