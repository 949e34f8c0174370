/** What a store's provider charges; money in whatever the prices are in. */
export interface Prices {
  /** For a thousand requests. */
  readonly perThousandRequests: number;
  /** For 10^9 bytes that leave the store. */
  readonly perGigabyte: number;
}

/** S3 Standard's list prices in most regions, in US dollars, as of 2025: requests 0.0004 per thousand GETs, traffic 0.09. */
export const DEFAULT_PRICES: Prices = { perThousandRequests: 0.0004, perGigabyte: 0.09 };

export interface CostRequest {
  readonly blocks: number;
  /** Of all blocks. */
  readonly bytes: number;
  readonly blockBytes: number;
  /** Milliseconds. */
  readonly period: number;
  /** Milliseconds between audits. */
  readonly every: number;
  readonly sample: number;
  readonly prices: Prices;
  /** Bytes a second that may be read; undefined: as fast as it goes, which nobody can know before. */
  readonly limitRate: number | undefined;
}

export interface Cost {
  readonly blocks: number;
  /** At most: blocks that follow one another are read with one request. */
  readonly requests: number;
  readonly bytes: number;
  readonly money: number;
  /** Seconds, at the rate's limit. */
  readonly seconds: number | undefined;
}

/** What one audit costs, and all those of a period. */
export function costs(request: CostRequest): { readonly audit: Cost; readonly period: Cost; readonly audits: number } {
  const { blocks, bytes, period, every, sample, prices, limitRate } = request;
  const audits = Math.max(1, Math.ceil(period / every));
  const average = blocks === 0 ? 0 : bytes / blocks;
  const of = (count: number): Cost => ({
    blocks: count,
    requests: count,
    bytes: Math.round(count * average),
    money: costOf(prices, count, count * average),
    seconds: limitRate === undefined ? undefined : (count * average) / limitRate,
  });
  const random = Math.min(sample, blocks);
  return { audits, audit: of(Math.ceil(blocks / audits) + random), period: of(blocks + audits * random) };
}

export const costOf = ({ perThousandRequests, perGigabyte }: Prices, requests: number, bytes: number): number =>
  (requests / 1000) * perThousandRequests + (bytes / 1e9) * perGigabyte;
