import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import { createCpuLimit } from './cpu-limit.ts';

const spinning: ReturnType<typeof spawn>[] = [];
afterEach(() => {
  for (const child of spinning.splice(0)) child.kill('SIGKILL');
});

function spin(): number {
  const child = spawn(process.execPath, ['-e', 'for (;;);'], { stdio: 'ignore' });
  spinning.push(child);
  return child.pid!;
}
const cpuMilliseconds = (pid: number): number => {
  const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1]!.split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10;
};

test.skipIf(process.platform !== 'linux')(
  'a process that spins gets its share and no more, and goes on',
  async () => {
    const pid = spin();
    createCpuLimit().watch(pid, 0.2);
    await sleep(2500);
    const first = cpuMilliseconds(pid);
    // What it had saved, its share, and an interval's overshoot.
    expect(first).toBeLessThan(200 + 0.2 * 2500 + 300);
    await sleep(2500);
    const second = cpuMilliseconds(pid) - first;
    expect(second).toBeGreaterThan(0);
    expect(second).toBeLessThan(0.2 * 2500 + 300);
  },
  20_000,
);
