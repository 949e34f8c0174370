import { readdirSync } from 'node:fs';
import { runtimeDirectory } from '@cloister/launcher';

const DEADLINE_MS = 10_000;

/** Resolves once the launcher of the VMs before has ended, as it does by itself. */
export async function untilNoLauncher(): Promise<void> {
  const deadline = Date.now() + DEADLINE_MS;
  while (readdirSync(runtimeDirectory()).some((name) => /^launcher-.*\.sock$/.test(name))) {
    if (Date.now() > deadline) throw new Error('Another VM of this user runs: the first start cannot be measured');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
