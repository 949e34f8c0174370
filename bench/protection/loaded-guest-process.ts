import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { type CompartmentFacts, inspectMachine } from '@cloister/launcher';
import { newMachineId, runImage } from '@cloister/sdk';
import { processCpuSeconds } from '../process-tree.ts';
import type { LoadWish, StepSample } from './loaded-guest.ts';
import { privateBytes } from './private-bytes.ts';

/** Memory of the guest: the disk's contents are never cached, being read past its page cache. */
const GUEST_BYTES = 256 * 2 ** 20;

/** V8 gives back what a burst has left once its process has idled for 8 s; until then a machine has 2 MiB more (measured). */
const SETTLED_MS = 10_000;

// A guest of one form: what it was asked to do stands in the argument, and each message lets it take its next step.
async function main(): Promise<void> {
  const { form, program, disk, steps, rounds } = JSON.parse(process.argv[2]!) as LoadWish;
  const id = newMachineId();
  const count = steps.length * rounds;
  const start = performance.now();
  const clientBefore = ownCpuSeconds();
  /** Of the boot, then of each step. */
  const seconds: number[] = [];
  let wake: () => void = () => undefined;
  let rest = '';
  async function* goAhead(): AsyncGenerator<Uint8Array> {
    let before: Record<string, number> = { client: clientBefore };
    for (let i = 0; i <= count; i += 1) {
      while (seconds.length <= i)
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      const parts = form === 'compartments' ? (await inspectMachine(id)).compartments : [];
      const now = cpuOfParts(parts);
      if (form === 'compartments' && (i === 0 || i === count)) await sleep(SETTLED_MS);
      const next = once(process, 'message');
      process.send!(sampleOf(seconds[i]!, before, now, memoryOfParts(parts)));
      await next;
      before = cpuOfParts(parts);
      yield Buffer.from('go\n');
    }
  }
  const commands = steps.map(
    ({ mode, depth = 0, unit = 0, amount }) => `/bin/disk-load ${mode} /dev/vda ${depth} ${unit} ${amount}; read go`,
  );
  const run = await runImage({
    image: 'busybox',
    argv: ['sh', '-c', `echo READY; read go; for round in $(seq ${rounds}); do ${commands.join('; ')}; done`],
    disks: [disk],
    copies: [`${program}:/bin/disk-load`],
    memoryBytes: GUEST_BYTES,
    stdin: goAhead(),
    launch: { id, form },
    onStdout(bytes) {
      rest += Buffer.from(bytes).toString('latin1');
      for (let at = rest.indexOf('\n'); at >= 0; at = rest.indexOf('\n')) {
        seconds.push(seconds.length === 0 ? (performance.now() - start) / 1000 : Number(rest.slice(0, at)) / 1e6);
        rest = rest.slice(at + 1);
      }
      wake();
    },
  });
  const status = await run.status;
  if (status !== 0 || seconds.length !== count + 1)
    throw new Error(`The guest ended with status ${status} after ${seconds.length} of ${count + 1} lines`);
}

function sampleOf(
  seconds: number,
  before: Readonly<Record<string, number>>,
  now: Readonly<Record<string, number>>,
  memory: Readonly<Record<string, number>>,
): StepSample {
  const cpuOf = Object.fromEntries(Object.entries(now).map(([kind, value]) => [kind, value - (before[kind] ?? 0)]));
  return { seconds, cpuSeconds: Object.values(cpuOf).reduce((sum, value) => sum + value, 0), cpuOf, memory };
}

const cpuOfParts = (parts: readonly CompartmentFacts[]): Record<string, number> => ({
  client: ownCpuSeconds(),
  ...Object.fromEntries(parts.map(({ kind, pid }) => [kind, pid === null ? 0 : processCpuSeconds(pid)])),
});

function ownCpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

const memoryOfParts = (parts: readonly CompartmentFacts[]): Record<string, number> =>
  Object.fromEntries(parts.map(({ kind, pid }) => [kind, pid === null ? 0 : privateBytes(pid, GUEST_BYTES)]));

// Nobody lets the guest go on, or ends it.
process.once('disconnect', () => process.exit(1));
void main().then(
  () => process.exit(0),
  (error: Error) => {
    console.error(`bench: ${error.message}`);
    process.exit(1);
  },
);
