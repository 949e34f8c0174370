import { expect, test } from 'vitest';
import { HYPELET_CALLS } from './hypelet-calls.ts';

test('there are ten HypeLet calls, each from one call of the paper', () => {
  const calls = Object.values(HYPELET_CALLS);
  expect(calls).toHaveLength(10);
  expect(new Set(calls.map((call) => call.paper)).size).toBe(10);
  expect(new Set(calls.map((call) => call.code)).size).toBe(10);
});
