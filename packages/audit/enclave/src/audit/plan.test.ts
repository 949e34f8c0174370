import { nodePrimitives } from '@cloister/crypto';
import { expect, test } from 'vitest';
import { freshCoverage, planAudit } from './plan.ts';

const DAY = 86_400_000;
const seed = new Uint8Array(32).fill(9);

test('thirty daily audits read each block once a period, in no order that can be foreseen', async () => {
  let coverage = freshCoverage(nodePrimitives, 1000, 0);
  const seen: number[] = [];
  for (let day = 1; day <= 30; day += 1) {
    const plan = await planAudit(
      nodePrimitives,
      { coverage, period: 30 * DAY, blocks: 1000, now: day * DAY, sample: 0, dueMax: 1e9 },
      seed,
    );
    expect(plan.due).toBeLessThanOrEqual(34);
    seen.push(...plan.blocks);
    coverage = plan.coverage;
  }
  expect([...seen].sort((one, other) => one - other)).toEqual(Array.from({ length: 1000 }, (_, at) => at));
  const next = await planAudit(
    nodePrimitives,
    { coverage, period: 30 * DAY, blocks: 1200, now: 31 * DAY, sample: 0, dueMax: 1e9 },
    seed,
  );
  expect(next.coverage).toMatchObject({ start: 31 * DAY, total: 1200, done: 0 });
  expect(next.coverage.key).not.toEqual(coverage.key);
});

test('what is due is bounded, and made up for later', async () => {
  const coverage = freshCoverage(nodePrimitives, 100, 0);
  const at = (now: number, from = coverage) =>
    planAudit(nodePrimitives, { coverage: from, period: DAY, blocks: 100, now, sample: 0, dueMax: 30 }, seed);
  const first = await at(3 * DAY);
  expect(first.due).toBe(30);
  const rest = [first];
  for (let i = 0; i < 3; i += 1) rest.push(await at(3 * DAY, rest.at(-1)!.coverage));
  expect(rest.map(({ due }) => due)).toEqual([30, 30, 30, 10]);
  expect(new Set(rest.flatMap(({ blocks }) => blocks)).size).toBe(100);
});

test('random blocks come beside them, as many as there are at most', async () => {
  const coverage = freshCoverage(nodePrimitives, 50, 0);
  const request = { coverage, period: DAY, blocks: 50, now: 0, dueMax: 10 };
  expect(await planAudit(nodePrimitives, { ...request, sample: 20 }, seed)).toMatchObject({ sampled: 20, due: 0 });
  const all = await planAudit(nodePrimitives, { ...request, sample: 460 }, seed);
  expect(all.blocks).toHaveLength(50);
});
