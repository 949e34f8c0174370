import { type BareMachine, createBareMachine } from '@cloister/hardware/bare-machine';
import { RAM_BASE, RAM_BYTES, RUNTIME } from './layout.ts';

/** Instructions after which a batch is given up: many times what its programs and their traps can need. */
const LIMIT_PER_BYTE = 40;

/** Runs a batch on the machine of this repository; returns RAM as far as the image goes. @throws if it does not end */
export function runHere(image: Buffer, prepare?: (machine: BareMachine) => void): Buffer {
  const machine = createBareMachine(RAM_BYTES);
  prepare?.(machine);
  machine.load(RAM_BASE, image);
  let done = false;
  machine.watch(RUNTIME.done, () => (done = true));
  machine.start(RAM_BASE);
  machine.run(image.length * LIMIT_PER_BYTE);
  if (!done) throw new Error(`The batch did not end here within ${image.length * LIMIT_PER_BYTE} instructions`);
  return Buffer.from(machine.read(RAM_BASE, image.length).buffer);
}
