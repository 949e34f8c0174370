import { type CompartmentFacts, inspectMachine } from '@cloister/launcher';
import { uncleanExt4 } from './ext4.ts';
import { type Bench, type Measurement, median, reached } from './measurement.ts';
import { type SteadyEnd, startSteadyGuest } from './steady-guest.ts';

/** `none` are instants at which nothing is killed: what the figure is without us. */
const KINDS = ['slice', 'storage', 'scheduler', 'none'] as const;
type Kind = (typeof KINDS)[number];

const QUICK_KILLS = 30;
export const FULL_KILLS = 1000;
/** A kill follows the one before after so many milliseconds, at random. */
const BETWEEN_MS = [50, 900] as const;
/** One instant of so many is one at which nothing is killed. */
const NONE_OF = 10;
export const RECOVERY_MS_MAX = 250;
const WARM_UP_BEATS = 20;
const BEATS_DEADLINE_MS = 120_000;

export interface KillResult extends SteadyEnd {
  readonly seed: number;
  readonly kills: Readonly<Record<Kind, number>>;
  readonly restarts: Readonly<Record<string, number>>;
  /** Milliseconds from a kill to the second record synced after it, by what was killed. */
  readonly recoveryMs: Readonly<Record<Kind, readonly number[]>>;
  /** Milliseconds between what the guest says, while nothing is killed. */
  readonly usualMs: number;
  /** What `e2fsck -fn` complains of. */
  readonly unclean: string | undefined;
}

/** Kills parts at random instants under a guest that writes, syncs and verifies. */
export async function killParts(kills: number, seed: number): Promise<KillResult> {
  const random = randomFrom(seed);
  const guest = await startSteadyGuest();
  try {
    await untilBeats(guest.beats, WARM_UP_BEATS);
    const usual = guest.beats.slice(1).map((at, i) => at - guest.beats[i]!);
    const made: { kind: Kind; at: number }[] = [];
    while (made.filter(({ kind }) => kind !== 'none').length < kills && guest.wrong.length === 0) {
      await pause(BETWEEN_MS[0] + random() * (BETWEEN_MS[1] - BETWEEN_MS[0]));
      const kind = random() < 1 / NONE_OF ? 'none' : KINDS[Math.floor(random() * (KINDS.length - 1))]!;
      if (kind === 'none') {
        made.push({ kind, at: performance.now() });
        continue;
      }
      const pid = (await partsOf(guest.id)).find((part) => part.kind === kind)?.pid ?? null;
      // It is about to be started again.
      if (pid === null) continue;
      process.kill(pid, 'SIGKILL');
      made.push({ kind, at: performance.now() });
    }
    if (guest.wrong.length === 0) await untilBeats(guest.beats, guest.beats.length + WARM_UP_BEATS);
    const parts = await partsOf(guest.id).catch(() => []);
    const end = await guest.finish();
    const count = (kind: Kind) => made.filter((one) => one.kind === kind);
    return {
      ...end,
      seed,
      kills: perKind((kind) => count(kind).length),
      restarts: Object.fromEntries(parts.map(({ kind, restarts }) => [kind, restarts])),
      recoveryMs: perKind((kind) => count(kind).map(({ at }) => recovery(guest.beats, at))),
      usualMs: median(usual),
      unclean: uncleanExt4(guest.disk),
    };
  } finally {
    guest.remove();
  }
}

const perKind = <T>(of: (kind: Kind) => T): Record<Kind, T> =>
  Object.fromEntries(KINDS.map((kind) => [kind, of(kind)])) as Record<Kind, T>;

/**
 * From the kill to the second time that the guest says that a record is synced: the first may have been on its way. No
 * usual distance is taken off; the instants at which nothing was killed tell it.
 */
function recovery(beats: readonly number[], at: number): number {
  const next = beats.findIndex((beat) => beat > at);
  return (next < 0 ? Number.POSITIVE_INFINITY : (beats[next + 1] ?? Number.POSITIVE_INFINITY)) - at;
}

async function partsOf(id: string): Promise<readonly CompartmentFacts[]> {
  return (await inspectMachine(id)).compartments;
}

async function untilBeats(beats: readonly number[], count: number): Promise<void> {
  const deadline = performance.now() + BEATS_DEADLINE_MS;
  while (beats.length < count) {
    if (performance.now() > deadline) throw new Error(`The guest stands still after ${beats.length} records`);
    await pause(20);
  }
}

const pause = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Numbers from 0 to 1 by a linear congruence (Knuth's MMIX), the same for the same seed. */
export function randomFrom(seed: number): () => number {
  let state = BigInt(seed);
  return () => {
    state = BigInt.asUintN(64, state * 6364136223846793005n + 1442695040888963407n);
    return Number(state >> 11n) / 2 ** 53;
  };
}

/** What was lost, doubled or wrong. */
export const faultsOf = ({ wrong, unclean }: KillResult): readonly string[] =>
  unclean === undefined ? wrong : [...wrong, unclean];

/** Slice, storage and scheduler killed under a guest: nothing is lost, and how long the guest waits. */
export const killBench: Bench = async ({ quick }) => {
  const seed = Number(process.env.CLOISTER_SEED ?? Date.now() % 1e9);
  const result = await killParts(quick ? QUICK_KILLS : FULL_KILLS, seed);
  const faults = faultsOf(result);
  for (const line of faults) console.error(`kill: seed ${seed}: ${line}`);
  return [
    { ...reached('kill', `faults seen, seed ${seed}`, [faults.length], 0), goal: '0', holds: faults.length === 0 },
    ...KINDS.map((kind): Measurement => {
      const value = median(result.recoveryMs[kind]);
      const what = `${kind}: ms from the kill to the second record synced after it, ${result.kills[kind]} kills`;
      const holds = kind === 'none' || value <= RECOVERY_MS_MAX;
      return { ...reached('kill', what, [value], 0), goal: `<= ${RECOVERY_MS_MAX}`, holds };
    }),
    reached('kill', 'ms between synced records, usually', [result.usualMs], 0),
  ];
};
