import { CloisterError, DEFAULT_PRICES, type Prices } from '@cloister/sdk';

/** How much may be read, how fast, and for how much. */
export interface LimitFlags {
  readonly limitRate?: string;
  readonly maxCost?: string;
  readonly priceRequests?: string;
  readonly priceTraffic?: string;
}

export interface Limits {
  readonly limitRate: number | undefined;
  readonly maxCost: number | undefined;
  readonly prices: Prices;
}

export function checkedName(name: string): string {
  if (/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(name) && !name.endsWith('.lock')) return name;
  throw new CloisterError('bad-usage', `"${name}" cannot be an audit's name`, {
    hint: 'Use letters, digits, ".", "_" and "-"',
  });
}

export function blockSize(text: string): number {
  const match = /^(\d{1,7})(k?)$/i.exec(text);
  const bytes = match === null ? 0 : Number(match[1]) * (match[2] === '' ? 1 : 1024);
  if (bytes >= 4096 && bytes <= 128 * 1024) return bytes;
  throw new CloisterError('bad-usage', `"${text}" is no block size`, { hint: 'Give 4k to 128k, such as 16k' });
}

export function number(text: string, flag: string): number {
  if (/^\d{1,7}$/.test(text) && Number(text) <= 1_000_000) return Number(text);
  throw new CloisterError('bad-usage', `"${text}" is no number of blocks for ${flag}`, { hint: 'Give 0 to 1000000' });
}

const UNITS: Readonly<Record<string, number>> = { '': 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30 };

/** Bytes from `512`, `16k`, `64m` or `1g`. */
export function parseSize(text: string, flag: string): number {
  const match = /^(\d{1,9})([kmg]?)$/i.exec(text);
  const bytes = match === null ? 0 : Number(match[1]) * UNITS[match[2]!.toLowerCase()]!;
  if (bytes > 0) return bytes;
  throw new CloisterError('bad-usage', `"${text}" is no size for ${flag}`, { hint: 'Give bytes, such as 16k or 64m' });
}

function rate(text: string): number {
  const match = /^(\d{1,9})([kmg]?)$/i.exec(text);
  const bytes = match === null ? 0 : Number(match[1]) * UNITS[match[2]!.toLowerCase()]!;
  if (bytes > 0) return bytes;
  throw new CloisterError('bad-usage', `"${text}" is no rate`, { hint: 'Give bytes a second, such as 500k or 10m' });
}

function money(text: string, flag: string): number {
  if (/^\d{1,9}(\.\d{1,9})?$/.test(text)) return Number(text);
  throw new CloisterError('bad-usage', `"${text}" is no amount of money for ${flag}`, {
    hint: 'Give a number, such as 0.09',
  });
}

export function limitsOf({ limitRate, maxCost, priceRequests, priceTraffic }: LimitFlags): Limits {
  return {
    limitRate: limitRate === undefined ? undefined : rate(limitRate),
    maxCost: maxCost === undefined ? undefined : money(maxCost, '--max-cost'),
    prices: {
      perThousandRequests:
        priceRequests === undefined ? DEFAULT_PRICES.perThousandRequests : money(priceRequests, '--price-requests'),
      perGigabyte: priceTraffic === undefined ? DEFAULT_PRICES.perGigabyte : money(priceTraffic, '--price-traffic'),
    },
  };
}
