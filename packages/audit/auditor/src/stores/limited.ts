import { setTimeout as sleep } from 'node:timers/promises';
import { costOf, type Prices } from '../costs.ts';
import { type Store, StoreLoss } from './store.ts';

export interface Limits {
  /** Bytes a second, over the whole. */
  readonly limitRate?: number | undefined;
  /** What may be spent, at these prices. */
  readonly maxCost?: number | undefined;
  readonly prices: Prices;
}

/** A store of which no more is read than its owner allows: slower, and not at all once the money is spent. */
export function limitedStore(
  store: Store,
  { limitRate, maxCost, prices }: Limits,
  warn: ((line: string) => void) | undefined,
): Store {
  let told = false;
  const begun = performance.now();
  let requests = 0;
  let bytes = 0;
  return {
    name: store.name,
    list: () => store.list(),
    close: () => store.close(),
    async read(path, pin, offset, length) {
      requests += 1;
      bytes += length;
      if (maxCost !== undefined && costOf(prices, requests, bytes) > maxCost) {
        if (!told) warn?.(`What may be spent (--max-cost ${maxCost}) is spent: the rest is not read`);
        told = true;
        throw new StoreLoss('throttled', 'What may be spent is spent');
      }
      if (limitRate !== undefined) {
        const due = begun + (1000 * bytes) / limitRate;
        if (due > performance.now()) await sleep(due - performance.now());
      }
      return store.read(path, pin, offset, length);
    },
  };
}
