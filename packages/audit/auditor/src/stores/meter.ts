import { setTimeout as sleep } from 'node:timers/promises';
import { costOf, type Prices } from '../costs.ts';
import { StoreLoss } from './store.ts';

export interface Limits {
  /** Bytes a second, over the whole. */
  readonly limitRate?: number | undefined;
  /** What may be spent, at these prices. */
  readonly maxCost?: number | undefined;
  readonly prices: Prices;
}

/** What each request to a store asks first, those that are tried again among them: it waits for the rate. */
export interface Meter {
  /**
   * @param bytes that a good answer has
   * @throws StoreLoss `throttled` once the money is spent
   */
  take(bytes: number): Promise<void>;
  /** So many of the bytes that were taken did not come. */
  giveBack(bytes: number): void;
}

export const unmetered: Meter = { take: async () => undefined, giveBack: () => undefined };

/** No more than a store's owner allows: slower, and not at all once the money is spent. */
export function meter({ limitRate, maxCost, prices }: Limits, warn?: ((line: string) => void) | undefined): Meter {
  const begun = performance.now();
  let told = false;
  let requests = 0;
  let total = 0;
  return {
    async take(bytes) {
      if (maxCost !== undefined && costOf(prices, requests + 1, total + bytes) > maxCost) {
        if (!told) warn?.(`What may be spent (--max-cost ${maxCost}) is spent: the rest is not read`);
        told = true;
        throw new StoreLoss('throttled', 'What may be spent is spent');
      }
      requests += 1;
      total += bytes;
      if (limitRate === undefined) return;
      const due = begun + (1000 * total) / limitRate;
      if (due > performance.now()) await sleep(due - performance.now());
    },
    giveBack(bytes) {
      total -= bytes;
    },
  };
}
