import { loadavg } from 'node:os';
import { type Bench, type Measurement, median, reported } from '../measurement.ts';
import { createLoadBed } from './load-bed.ts';
import { type Form, type LoadStep, type StepSample, startLoadedGuest } from './loaded-guest.ts';
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

interface Step extends LoadStep {
  readonly name: string;
  /** It waits for one request after the other: it says what a request's way costs, not what flows. */
  readonly reported?: boolean;
  /** How often in a round; once where absent. */
  readonly turns?: number;
}

const steps = (quick: boolean): readonly Step[] => {
  const bytes = (quick ? 128 : 512) * MIB;
  const [random, single] = quick ? [4000, 1000] : [20_000, 5000];
  return [
    // Of what may be 1 % slower, many short turns: the host's own speed changes within one long one by more.
    { name: 'CPU-bound work', mode: 'compute', amount: quick ? 10_000_000 : 30_000_000, turns: quick ? 1 : 8 },
    { name: 'sequential 128 KiB reads at depth 32', mode: 'read', depth: 32, unit: 128 * KIB, amount: bytes },
    { name: 'sequential 128 KiB writes at depth 32', mode: 'write', depth: 32, unit: 128 * KIB, amount: bytes },
    { name: 'random 4 KiB reads at depth 32', mode: 'random', depth: 32, unit: 4 * KIB, amount: random },
    { name: 'sequential 1 MiB reads at depth 1', mode: 'read', depth: 1, unit: MIB, amount: bytes, reported: true },
    { name: 'sequential 1 MiB writes at depth 1', mode: 'write', depth: 1, unit: MIB, amount: bytes, reported: true },
    { name: 'random 4 KiB reads at depth 1', mode: 'random', depth: 1, unit: 4 * KIB, amount: single, reported: true },
  ];
};

type Samples = Readonly<Record<Form, StepSample[]>>;
const noSamples = (): Samples => ({ monolithic: [], compartments: [] });

/** What protection costs: the parts of a VM as processes against all of them in one. */
export const protectionBench: Bench = async ({ quick }) => {
  const list = steps(quick);
  const {
    boots,
    steps: taken,
    atEnd,
  } = await takeTurns(list, quick ? { pairs: 1, rounds: 2 } : { pairs: 4, rounds: 4 });
  const starts: Record<Form, { first: number; second: number }[]> = { monolithic: [], compartments: [] };
  for (let run = 0; run < (quick ? 2 : 9); run += 1)
    for (const form of FORMS) starts[form].push(await startTimes(form));
  const both = (samples: Samples, of: (sample: StepSample) => number) =>
    [samples.compartments.map(of), samples.monolithic.map(of)] as const;
  const found: Measurement[] = [
    atMost('boot to the first line, wall s', ...both(boots, ({ seconds }) => seconds), (peer) =>
      Math.max(1.1 * peer, peer + 0.2),
    ),
    reported('protection', 'boot to the first line, CPU s', ...both(boots, ({ cpuSeconds }) => cpuSeconds)),
  ];
  list.forEach(({ name, mode, amount, unit = 1, reported: onlyReported }, i) => {
    const seconds = both(taken[i]!, (sample) => sample.seconds);
    const cpu = both(taken[i]!, ({ cpuSeconds }) => cpuSeconds);
    if (mode === 'compute') {
      found.push(
        atMost(`${name}, wall s (${NEXEN})`, ...seconds, (peer) => 1.01 * peer),
        reported('protection', `${name}, CPU s of all parts`, ...cpu),
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
            micros(taken[i]!.compartments.map(({ cpuOf }) => cpuOf[part] ?? 0)),
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
    for (const [samples, when] of [
      [boots.compartments, 'after the boot'],
      [atEnd, 'after the load'],
    ] as const) {
      const value = median(samples.map(({ memory }) => memory[part]! / MIB));
      const goal = samples === atEnd ? {} : { goal: `<= ${most / MIB}`, holds: value <= most / MIB };
      found.push({
        ...reported('protection', `private memory of the ${part} ten seconds ${when}, MiB`, [value]),
        ...goal,
      });
    }
  found.push(reported('protection', 'load average of the host over the last 15 minutes', [loadavg()[2]!]));
  return found;
};

/** Guests of both forms side by side, of which one waits while the other takes the step: the host's own speed changes by the minute. */
async function takeTurns(
  list: readonly Step[],
  { pairs, rounds }: { readonly pairs: number; readonly rounds: number },
) {
  const boots = noSamples();
  const steps = list.map(noSamples);
  const atEnd: StepSample[] = [];
  const turns = list.flatMap((step, i) =>
    Array.from({ length: step.turns ?? 1 }, () => ({ step, samples: steps[i]! })),
  );
  const bed = createLoadBed(64);
  try {
    for (let pair = 0; pair < pairs; pair += 1) {
      const guests = [];
      // Neither form is always the one that boots beside a guest that waits.
      for (const form of pair % 2 === 0 ? FORMS : FORMS.toReversed()) {
        const guest = await startLoadedGuest(
          form,
          bed,
          turns.map(({ step }) => step),
          rounds,
        );
        guests.push({ form, guest });
        boots[form].push(guest.boot);
      }
      for (let round = 0; round < rounds; round += 1)
        for (const { samples } of turns)
          for (const { form, guest } of guests) {
            const sample = await guest.next();
            // The first time V8 compiles what runs: 1.3 to 1.4 times as long in the three processes of a read (measured).
            if (round > 0) samples[form].push(sample);
          }
      atEnd.push(steps.at(-1)!.compartments.at(-1)!);
      for (const { guest } of guests) await guest.end();
    }
  } finally {
    bed.remove();
  }
  return { boots, steps, atEnd };
}

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
