import { setTimeout as sleep } from 'node:timers/promises';
import { startVirtualMachine } from '@cloister/launcher';
import { tinyKernel } from '../../packages/host/launcher/src/testing/tiny-kernel.ts';
import { untilNoLauncher } from '../no-launcher.ts';
import type { Form } from './loaded-guest.ts';

/** Milliseconds from the call until a guest of a few instructions runs: the first VM's, and a second one's beside it. */
export async function startTimes(form: Form): Promise<{ first: number; second: number }> {
  if (form === 'compartments') await untilNoLauncher();
  const start = async () => {
    const from = performance.now();
    const machine = await startVirtualMachine(
      { memoryBytes: 64 * 2 ** 20, kernel: tinyKernel('sleep'), commandLine: '' },
      { form },
    );
    return { machine, milliseconds: performance.now() - from };
  };
  const first = await start();
  // What a process does when it has just started is not the next one's.
  await sleep(500);
  const second = await start();
  for (const { machine } of [first, second]) {
    machine.kill();
    await machine.ended;
  }
  return { first: first.milliseconds, second: second.milliseconds };
}
