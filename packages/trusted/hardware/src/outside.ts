import { TIMEBASE_HZ } from './memory-map.ts';

/**
 * All that enters the machine from outside but devices' data: time and randomness. One place, so that a recorded run
 * can be given the same again.
 */
export interface Outside {
  /** Ticks of TIMEBASE_HZ since the machine was made. */
  ticks(): number;
  /** Nanoseconds since 1970, for the real-time clock. */
  wallNanoseconds(): bigint;
  /** Where time does not pass by itself: lets it pass until `ticks`, since the hart waits for that. */
  skipTo?(ticks: number): void;
}

export function hostOutside(): Outside {
  const start = performance.now();
  const perMillisecond = TIMEBASE_HZ / 1000;
  return {
    ticks: () => Math.floor((performance.now() - start) * perMillisecond),
    wallNanoseconds: () => BigInt(Math.floor((performance.timeOrigin + performance.now()) * 1000)) * 1000n,
  };
}

/** Time as a count of retired instructions (100 a tick), for runs that must repeat bit for bit. */
export function countingOutside(retired: () => number): Outside {
  let skipped = 0;
  const ticks = (): number => Math.floor(retired() / 100) + skipped;
  return {
    ticks,
    wallNanoseconds: () => BigInt(ticks()) * 100n,
    skipTo(wanted) {
      skipped += Math.max(0, wanted - ticks());
    },
  };
}
