import { expect, test } from 'vitest';
import { createRate, throttle } from './rate.ts';

const BUDGET = { messages: 100, bytes: 1000, burst: 0.1 };

test('messages and bytes are bounded, each by its own, a burst ahead', () => {
  let now = 5;
  const rate = createRate(BUDGET, () => now);
  for (let i = 0; i < 9; i += 1) rate.charge(0);
  expect(rate.wait()).toBeCloseTo(0);
  rate.charge(100);
  expect(rate.wait()).toBeCloseTo(100);
  now += 60;
  expect(rate.wait()).toBeCloseTo(40);
  now += 10_000;
  rate.charge(90);
  expect(rate.wait()).toBeCloseTo(0);
});

test('a clock that goes back gives nothing', () => {
  let now = 1000;
  const rate = createRate(BUDGET, () => now);
  rate.charge(1000);
  now = 0;
  expect(rate.wait()).toBeCloseTo(910);
});

test('credit of what is too much returns when there is budget again', async () => {
  const pauses: { ms: number; over: () => void }[] = [];
  const charge = throttle(BUDGET, {
    now: () => 0,
    pause: (ms) => new Promise((over) => pauses.push({ ms, over })),
  });
  expect(charge(90)).toBeUndefined();
  const first = charge(100);
  expect(charge(100)).toBe(first);
  expect(pauses.map(({ ms }) => Math.round(ms))).toEqual([100]);
  pauses[0]!.over();
  await first;
  expect(charge(100)).not.toBe(first);
  expect(pauses.map(({ ms }) => Math.round(ms))).toEqual([100, 300]);
});
