import { inherit } from '../../../packages/host/launcher/src/compartments/inherit.ts';
import { plan } from './plan.ts';

// A slice that does not do its work.
if (plan.way === 'die') process.exit(1);
inherit(({ links }) => {
  if (plan.way === 'nonsense') links[0]!.send(Uint8Array.of(0xff, 1, 2, 3));
  if (plan.way === 'hang') setTimeout(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0), 100);
  if (plan.way === 'log') {
    const line = '\u001b]0;owned\u0007\u001b[2J'.padEnd(65_535, '.');
    const write = (left: number): void => {
      if (left > 0) process.stderr.write(`${line}\n`, () => write(left - 1));
    };
    process.stderr.on('error', () => undefined);
    write(256);
  }
  return {};
});
