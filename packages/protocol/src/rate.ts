import type { Budget } from './budgets.ts';

/** What was used of a budget. */
export interface Rate {
  charge(bytes: number): void;
  /** Milliseconds until there is budget for a message; 0 while there is. */
  wait(): number;
}

/** @param now milliseconds, from any start */
export function createRate({ messages, bytes, burst }: Budget, now: () => number): Rate {
  /** Seconds' worth of the budget that are used and have not passed. */
  let used = 0;
  let at = now();
  const settle = (): void => {
    const then = now();
    used = Math.max(0, used - Math.max(0, then - at) / 1000);
    at = then;
  };
  return {
    charge(count) {
      settle();
      used += Math.max(1 / messages, count / bytes);
    },
    wait() {
      settle();
      return Math.max(0, 1000 * (used + 1 / messages - burst));
    },
  };
}

export interface RateClock {
  now(): number;
  pause(milliseconds: number): Promise<void>;
}

/** For a channel's listener: charges a frame, and gives back when its credit may return. */
export function throttle(budget: Budget, { now, pause }: RateClock): (bytes: number) => Promise<void> | undefined {
  const rate = createRate(budget, now);
  let held: Promise<void> | undefined;
  return (bytes) => {
    rate.charge(bytes);
    const wait = rate.wait();
    if (wait === 0) return undefined;
    held ??= pause(wait).finally(() => {
      held = undefined;
    });
    return held;
  };
}
