import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type CompartmentFacts, inspectMachine } from '@cloister/launcher';
import { newMachineId, runImage } from '@cloister/sdk';
import { compileGuestProgram } from './guest-program.ts';
import { processCpuSeconds } from './process-tree.ts';

const MIB = 2 ** 20;
/** Memory of the guest: the disks' contents are never cached, being read past its page cache. */
export const GUEST_BYTES = 256 * MIB;

export type Form = 'compartments' | 'monolithic';

/** What the guest does: a mode of `guest/disk-load.c`. */
export interface LoadStep {
  readonly mode: 'compute' | 'read' | 'write' | 'random';
  /** Requests under way at once, and the bytes of each. */
  readonly depth?: number;
  readonly unit?: number;
  /** In rounds, bytes or, of random ones, requests. */
  readonly amount: number;
}

export interface StepSample {
  /** By the guest's clock. */
  readonly seconds: number;
  /** Of all processes of the VM and its client. */
  readonly cpuSeconds: number;
  readonly cpuOf: Readonly<Record<string, number>>;
}

export interface RunSample {
  /** From the call to the guest's first line. */
  readonly boot: StepSample;
  readonly steps: readonly StepSample[];
  /** Private bytes of each compartment after the boot and at the end, the guest's memory apart. */
  readonly memory: readonly Readonly<Record<string, number>>[];
}

/** Disks and program of the runs. */
export interface LoadBed {
  readonly program: string;
  readonly disks: readonly string[];
  remove(): void;
}

export function createLoadBed(mebibytes: number): LoadBed {
  const folder = mkdtempSync(join(tmpdir(), 'cloister-protection-'));
  const program = join(folder, 'disk-load');
  compileGuestProgram('disk-load', program);
  const path = join(folder, 'raw.img');
  const file = openSync(path, 'w');
  for (let at = 0; at < mebibytes; at += 1) writeSync(file, new Uint8Array(MIB).fill(at + 1), 0, MIB, at * MIB);
  closeSync(file);
  return { program, disks: [path], remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/** Boots busybox in one form, runs the steps, and takes the time, the CPU time and the memory of each. */
export async function protectedRun(form: Form, bed: LoadBed, steps: readonly LoadStep[]): Promise<RunSample> {
  const id = newMachineId();
  const lines: string[] = [];
  const samples: StepSample[] = [];
  const memory: Record<string, number>[] = [];
  let cpu: Record<string, number> = { client: clientCpu() };
  const start = performance.now();
  let bootSeconds = 0;
  const commands = steps.map(
    ({ mode, depth = 0, unit = 0, amount }) => `/bin/disk-load ${mode} /dev/vda ${depth} ${unit} ${amount}; read go`,
  );
  let wake: () => void = () => undefined;
  let rest = '';
  async function* goAhead(): AsyncGenerator<Uint8Array> {
    // The command starts the guest's part of each step; the processes' times are taken while it waits.
    for (let i = 0; i <= steps.length; i += 1) {
      while (lines.length <= i)
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      const parts = form === 'compartments' ? (await inspectMachine(id)).compartments : [];
      const now = cpuOfParts(parts);
      const cpuOf = Object.fromEntries(Object.entries(now).map(([kind, value]) => [kind, value - (cpu[kind] ?? 0)]));
      const cpuSeconds = Object.values(cpuOf).reduce((sum, value) => sum + value, 0);
      samples.push({ seconds: i === 0 ? bootSeconds : Number(lines[i]) / 1e6, cpuSeconds, cpuOf });
      if (i === 0 || i === steps.length) memory.push(memoryOfParts(parts));
      cpu = cpuOfParts(parts);
      yield Buffer.from('go\n');
    }
  }
  const run = await runImage({
    image: 'busybox',
    argv: ['sh', '-c', ['echo READY; read go', ...commands].join('; ')],
    disks: bed.disks,
    copies: [`${bed.program}:/bin/disk-load`],
    memoryBytes: GUEST_BYTES,
    stdin: goAhead(),
    launch: { id, form },
    onStdout(bytes) {
      rest += Buffer.from(bytes).toString('latin1');
      for (let at = rest.indexOf('\n'); at >= 0; at = rest.indexOf('\n')) {
        if (lines.push(rest.slice(0, at)) === 1) bootSeconds = (performance.now() - start) / 1000;
        rest = rest.slice(at + 1);
      }
      wake();
    },
  });
  const status = await run.status;
  if (status !== 0 || samples.length !== steps.length + 1)
    throw new Error(`The guest ended with status ${status}: ${lines}`);
  return { boot: samples[0]!, steps: samples.slice(1), memory };
}

function clientCpu(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

const cpuOfParts = (parts: readonly CompartmentFacts[]): Record<string, number> => ({
  client: clientCpu(),
  ...Object.fromEntries(parts.map(({ kind, pid }) => [kind, pid === null ? 0 : processCpuSeconds(pid)])),
});

function memoryOfParts(parts: readonly CompartmentFacts[]): Record<string, number> {
  return Object.fromEntries(parts.map(({ kind, pid }) => [kind, pid === null ? 0 : privateBytes(pid)]));
}

/** Private bytes of a process without its largest shared mapping, which in a machine is the guest's memory and its tables. */
export function privateBytes(pid: number): number {
  let total = 0;
  let guest = 0;
  let guestSize = GUEST_BYTES;
  let size = 0;
  let own = 0;
  for (const line of `${readFileSync(`/proc/${pid}/smaps`, 'latin1')}VmFlags: end\n`.split('\n')) {
    const [, name, kib] = /^(\w+):\s+(\d+) kB/.exec(line) ?? [];
    if (name === 'Size') size = 1024 * Number(kib);
    else if (name?.startsWith('Private_') && name !== 'Private_Hugetlb') own += 1024 * Number(kib);
    else if (line.startsWith('VmFlags')) {
      total += own;
      // V8 reserves more around it: the memory itself is the mapping that is at least as large as the guest's.
      if (size >= guestSize && own > guest) [guest, guestSize] = [own, GUEST_BYTES];
      own = 0;
      size = 0;
    }
  }
  return total - guest;
}
