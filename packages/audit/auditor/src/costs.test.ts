import { expect, test } from 'vitest';
import { costs, DEFAULT_PRICES } from './costs.ts';

const TIB = 2 ** 40;
const DAY = 86_400_000;
const store = { blocks: TIB / 16384, bytes: TIB, blockBytes: 16384, prices: DEFAULT_PRICES, limitRate: undefined };

test('a period reads each block once, and what is drawn at random', () => {
  const { audits, audit, period } = costs({ ...store, period: 30 * DAY, every: DAY, sample: 460 });
  expect(audits).toBe(30);
  expect(audit.blocks).toBe(Math.ceil(TIB / 16384 / 30) + 460);
  expect(period.blocks).toBe(TIB / 16384 + 30 * 460);
  // 67.1 M requests and 1.1 TB of traffic.
  expect(period.money).toBeCloseTo((67_122_664 / 1000) * 0.0004 + ((67_122_664 * 16384) / 1e9) * 0.09, 6);
});

test('a limit says how long it takes, and few blocks are not read twice', () => {
  const { audit } = costs({
    ...store,
    blocks: 10,
    bytes: 163840,
    period: DAY,
    every: DAY,
    sample: 460,
    limitRate: 163840,
  });
  expect(audit).toMatchObject({ blocks: 20, seconds: 2 });
});

test('nothing costs nothing', () => {
  expect(costs({ ...store, blocks: 0, bytes: 0, period: DAY, every: DAY, sample: 460 }).period.money).toBe(0);
});
