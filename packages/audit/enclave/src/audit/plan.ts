import type { Primitives } from '@cloister/crypto';
import { keystream, sampleIndices } from '@cloister/pdp';
import type { Coverage } from '../state/head.ts';
import { permute } from './permutation.ts';

/** The blocks that an audit reads, by their numbers in ascending order. */
export interface Plan {
  readonly blocks: readonly number[];
  /** How many of them were drawn at random, and how many the period made due. */
  readonly sampled: number;
  readonly due: number;
  readonly coverage: Coverage;
}

export interface PlanRequest {
  readonly coverage: Coverage;
  readonly period: number;
  /** Numbers of blocks lie below it. */
  readonly blocks: number;
  readonly now: number;
  readonly sample: number;
  /** The most that may be due. */
  readonly dueMax: number;
}

/** A period that begins now. */
export const freshCoverage = (primitives: Primitives, total: number, now: number): Coverage => ({
  start: now,
  key: primitives.random(32),
  total,
  done: 0,
});

/**
 * What to read now: of the period's order so much as the time that has passed, and random blocks of all. A period whose
 * order is read to its end, and whose time is over, is followed by the next one, which covers what was added meanwhile;
 * so a block waits for two periods at most, if audits run in time.
 */
export async function planAudit(primitives: Primitives, request: PlanRequest, seed: Uint8Array): Promise<Plan> {
  const { period, blocks, now, sample, dueMax } = request;
  let coverage = request.coverage;
  if (coverage.done >= coverage.total && (coverage.total === 0 || now >= coverage.start + period))
    coverage = freshCoverage(primitives, blocks, now);
  const share = period === 0 ? 1 : Math.min(1, Math.max(0, (now - coverage.start) / period));
  const until = Math.min(Math.ceil(coverage.total * share), coverage.done + dueMax);
  const places = Array.from({ length: Math.max(0, until - coverage.done) }, (_, at) => coverage.done + at);
  const due = await permute(primitives, coverage.key, coverage.total, places);
  const sampled = await sampleIndices(keystream(primitives, seed), blocks, Math.min(sample, blocks));
  return {
    blocks: [...new Set([...due, ...sampled])].sort((one, other) => one - other),
    sampled: sampled.length,
    due: due.length,
    coverage: { ...coverage, done: coverage.done + due.length },
  };
}
