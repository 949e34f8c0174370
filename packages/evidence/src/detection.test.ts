import { expect, test } from 'vitest';
import { detection } from './detection.ts';

test('the figures of the paper: 460 blocks find a loss of 1 % with 99 %, 300 with 95 %', () => {
  expect(detection(10_000, 100, 460)).toBeGreaterThan(0.99);
  expect(detection(10_000, 100, 300)).toBeCloseTo(0.95, 2);
  expect(detection(2 ** 30, 2 ** 30 * 0.01, 460)).toBeCloseTo(0.9902, 3);
});

test('reading all finds everything, reading none finds nothing', () => {
  expect(detection(100, 1, 100)).toBe(1);
  expect(detection(100, 1, 0)).toBe(0);
  expect(detection(100, 0, 50)).toBe(0);
  expect(detection(100, 1, 50)).toBeCloseTo(0.5);
});
