import { loadavg } from 'node:os';
import { type Bench, type Measurement, median, reported } from './measurement.ts';
import { createLoadBed, type Form, type LoadStep, protectedRun, type RunSample } from './protected-run.ts';
import { startTimes } from './start-times.ts';

const KIB = 2 ** 10;
const MIB = 2 ** 20;
const FORMS: readonly Form[] = ['monolithic', 'compartments'];
/** What the parts of a VM may take of their own: without workers, and for a machine with its hart's. */
const MEMORY_MAX: Readonly<Record<string, number>> = {
  machine: 18 * MIB,
  slice: 12 * MIB,
  storage: 12 * MIB,
  scheduler: 12 * MIB,
};
const START_MS_MAX = 150;
/** What Nexen says that its protection costs on average. */
const NEXEN = 'Nexen: 1.2 % on average';

/** `reported` steps wait for one request after the other: they say what a request's way costs, not what flows. */
const steps = (quick: boolean): readonly (LoadStep & { readonly name: string; readonly reported?: boolean })[] => {
  const bytes = (quick ? 128 : 512) * MIB;
  const [random, single] = quick ? [4000, 1000] : [20_000, 5000];
  return [
    { name: 'CPU-bound work', mode: 'compute', amount: quick ? 10_000_000 : 240_000_000 },
    { name: 'sequential 128 KiB reads at depth 32', mode: 'read', depth: 32, unit: 128 * KIB, amount: bytes },
    { name: 'sequential 128 KiB writes at depth 32', mode: 'write', depth: 32, unit: 128 * KIB, amount: bytes },
    { name: 'random 4 KiB reads at depth 32', mode: 'random', depth: 32, unit: 4 * KIB, amount: random },
    { name: 'sequential 1 MiB reads at depth 1', mode: 'read', depth: 1, unit: MIB, amount: bytes, reported: true },
    { name: 'sequential 1 MiB writes at depth 1', mode: 'write', depth: 1, unit: MIB, amount: bytes, reported: true },
    { name: 'random 4 KiB reads at depth 1', mode: 'random', depth: 1, unit: 4 * KIB, amount: single, reported: true },
  ];
};

/** What protection costs: the parts of a VM as processes against all of them in one, in turns. */
export const protectionBench: Bench = async ({ quick }) => {
  const list = steps(quick);
  const bed = createLoadBed(64);
  const runs: Record<Form, RunSample[]> = { monolithic: [], compartments: [] };
  const starts: Record<Form, { first: number; second: number }[]> = { monolithic: [], compartments: [] };
  try {
    for (let run = 0; run < (quick ? 1 : 5); run += 1)
      for (const form of FORMS) runs[form].push(await protectedRun(form, bed, list));
    for (let run = 0; run < (quick ? 2 : 9); run += 1)
      for (const form of FORMS) starts[form].push(await startTimes(form));
  } finally {
    bed.remove();
  }
  const both = (of: (sample: RunSample) => number): readonly [number[], number[]] => [
    runs.compartments.map(of),
    runs.monolithic.map(of),
  ];
  const found: Measurement[] = [
    atMost('boot to the first line, wall s', ...both(({ boot }) => boot.seconds), (peer) =>
      Math.max(1.1 * peer, peer + 0.2),
    ),
    reported('protection', 'boot to the first line, CPU s', ...both(({ boot }) => boot.cpuSeconds)),
  ];
  list.forEach(({ name, mode, amount, unit = 1, reported: onlyReported }, i) => {
    const seconds = both((sample) => sample.steps[i]!.seconds);
    const cpu = both((sample) => sample.steps[i]!.cpuSeconds);
    if (mode === 'compute') {
      found.push(
        atMost(`${name}, CPU s (${NEXEN})`, ...cpu, (peer) => 1.01 * peer),
        reported('protection', `${name}, wall s`, ...seconds),
      );
    } else if (onlyReported) {
      const requests = mode === 'random' ? amount : amount / unit;
      const micros = (values: readonly number[]): number[] => values.map((value) => (1e6 * value) / requests);
      found.push(reported('protection', `${name}, us each`, micros(seconds[0]), micros(seconds[1])));
      for (const part of ['machine', 'slice', 'storage'])
        found.push(
          reported(
            'protection',
            `${name}, CPU us each in the ${part}`,
            micros(runs.compartments.map((sample) => sample.steps[i]!.cpuOf[part] ?? 0)),
          ),
        );
    } else {
      found.push(
        atMost(`${name}, wall s`, ...seconds, (peer) => peer / 0.85),
        reported('protection', `${name}, CPU s`, ...cpu),
      );
    }
  });
  // The first VM's start has the launcher's and the toolstack's in it, which are its user's, not its own.
  const starting = (when: 'first' | 'second') =>
    FORMS.toReversed().map((form) => starts[form].map((one) => one[when])) as [number[], number[]];
  found.push(
    reported('protection', "start of the first VM's parts, of launcher and toolstack, ms", ...starting('first')),
    atMost("start of a VM's parts, ms", ...starting('second'), (peer) => peer + START_MS_MAX),
  );
  for (const [part, most] of Object.entries(MEMORY_MAX))
    for (const [i, when] of ['after the boot', 'at the end'].entries()) {
      const value = median(runs.compartments.map(({ memory }) => memory[i]![part]! / MIB));
      const goal = i === 0 ? { goal: `<= ${most / MIB}`, holds: value <= most / MIB } : {};
      found.push({ ...reported('protection', `private memory of the ${part} ${when}, MiB`, [value]), ...goal });
    }
  found.push(reported('protection', 'load average of the host over the last 15 minutes', [loadavg()[2]!]));
  return found;
};

/** Ours against the baseline's, which says how much it may be. */
function atMost(
  metric: string,
  ours: readonly number[],
  peer: readonly number[],
  most: (peer: number) => number,
): Measurement {
  const limit = most(median(peer));
  const goal = `<= ${Number(limit.toPrecision(4))}`;
  return { ...reported('protection', metric, ours, peer), goal, holds: median(ours) <= limit };
}
