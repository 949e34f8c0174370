import { closeSync, ftruncateSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { StartVirtualMachine } from '@cloister/images';
import { type LaunchOptions, startVirtualMachine } from '@cloister/launcher';
import { hostImages } from '@cloister/sdk';
import { qemuStarter } from '../packages/host/images/testing/qemu-machine.ts';
import { runInImage } from './image-session.ts';
import { type Bench, type Measurement, reported } from './measurement.ts';

const MIB = 2 ** 20;
const DEADLINE_MS = 300_000;

/** What the guest does, each step's seconds by its own clock: bytes moved, or requests made. */
const STEPS = [
  { name: 'sequential read, MiB/s', amount: 'megabytes', command: 'dd if=/dev/vda of=/dev/null bs=1M' },
  {
    name: 'reads of 4 KiB, one at a time, per second',
    amount: 'reads',
    command: 'echo 0 > /sys/block/vda/queue/read_ahead_kb; dd if=/dev/vda of=/dev/null bs=4k count=$reads',
  },
  {
    name: 'sequential write with fsync, MiB/s',
    amount: 'megabytes',
    command: 'dd if=/dev/zero of=/dev/vda bs=1M count=$megabytes conv=fsync',
  },
] as const;

/** Rates of one run of all steps, in the order of STEPS. */
async function measure(start: StartVirtualMachine, path: string, amounts: Record<string, number>): Promise<number[]> {
  const image = await hostImages().pull('busybox');
  const settings = Object.entries(amounts).map(([name, value]) => `${name}=${value}`);
  const script = [
    ...settings,
    "clock() { tr -d . < /proc/uptime | cut -d ' ' -f 1; }",
    ...STEPS.flatMap(({ command }) => [
      'echo 3 > /proc/sys/vm/drop_caches',
      'from=$(clock)',
      `{ ${command}; } 2> /dev/null || exit 1`,
      'echo $(($(clock) - from))',
    ]),
  ].join('\n');
  const { status, stdout } = await runInImage(image, script, {
    start,
    disks: [{ path, writes: 'direct' }],
    memoryBytes: 512 * MIB,
  });
  if (status !== 0) throw new Error(`The guest ended with status ${status}`);
  const hundredths = stdout.trim().split('\n').map(Number);
  return STEPS.map(({ amount }, i) => amounts[amount]! / (hundredths[i]! / 100));
}

/** Block I/O through a --disk, with slice and storage in one process and in their own, against QEMU's TCG. */
export const diskBench: Bench = async ({ quick }) => {
  const folder = mkdtempSync(join(tmpdir(), 'cloister-disk-bench-'));
  const path = join(folder, 'disk.img');
  const megabytes = quick ? 64 : 256;
  const file = openSync(path, 'w');
  ftruncateSync(file, megabytes * MIB);
  for (let at = 0; at < megabytes; at += 1) writeSync(file, new Uint8Array(MIB).fill(at), 0, MIB, at * MIB);
  closeSync(file);
  const amounts = { megabytes, reads: quick ? 2000 : 8000 };
  const form = (options: LaunchOptions): StartVirtualMachine => {
    return (config) => startVirtualMachine(config, options);
  };
  const machines: Readonly<Record<string, StartVirtualMachine>> = {
    monolithic: form({ form: 'monolithic' }),
    compartments: form({}),
    qemu: qemuStarter(DEADLINE_MS),
  };
  const rates: Record<string, number[][]> = {};
  try {
    for (let run = 0; run < (quick ? 1 : 3); run += 1)
      for (const [name, start] of Object.entries(machines))
        (rates[name] ??= []).push(await measure(start, path, amounts));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return Object.keys(machines)
    .filter((name) => name !== 'qemu')
    .flatMap((name) =>
      STEPS.map(
        (step, i): Measurement =>
          reported(
            'disk',
            `${step.name} (${name})`,
            rates[name]!.map((run) => run[i]!),
            rates.qemu!.map((run) => run[i]!),
          ),
      ),
    );
};
