import { cpus, loadavg } from 'node:os';
import type { FullCheck } from '../full.ts';
import { type Measurement, median } from '../measurement.ts';
import type { Measured, PeerSamples } from '../pdp/scheme-table.ts';
import { measurePdp, schemeGoals, systemGoals } from '../pdp.ts';

/** Everything of `npm run bench -- pdp`, as a table that docs/schemes.md takes its figures from. */
export const pdp: FullCheck = async ({ quick }) => {
  const load = loadavg()[0]!;
  const table: object[] = [];
  const goals: Measurement[] = [...(await systemGoals(quick))];
  for await (const measured of measurePdp(quick)) {
    table.push(rowOf(measured));
    goals.push(...schemeGoals(measured));
  }
  return {
    holds: goals.every(({ holds }) => holds),
    processor: cpus()[0]!.model,
    cores: cpus().length,
    loadAtStart: round(load),
    loadAtEnd: round(loadavg()[0]!),
    table,
    goals: goals.filter(({ goal }) => goal !== 'reported'),
    reports: goals.filter(({ goal, metric }) => goal === 'reported' && !metric.endsWith('Bytes')),
  };
};

/** One line of the table; times are medians of CPU time, for 460 blocks. */
function rowOf({ name, blockBytes, modulusBits, ours, theirs, peerIsOfThisRun, limit, sizes }: Measured): object {
  const times = ({ tag, prove, verify }: PeerSamples) => ({
    tagMBs: tag.length === 0 ? null : round(blockBytes / median(tag) / 1e6),
    proveMs: round(1000 * median(prove)),
    verifyMs: round(1000 * median(verify)),
  });
  return {
    ...{ scheme: name, blockBytes, ...(modulusBits !== undefined && { modulusBits }) },
    ...times(ours),
    ...(ours.verifyAsOwner.length > 0 && { verifyAsOwnerMs: round(1000 * median(ours.verifyAsOwner)) }),
    ...sizes,
    ...(theirs !== undefined && { libpdp: { ...times(theirs), ofThisRun: peerIsOfThisRun } }),
    ...(limit.length > 0 && { opensslMBs: round(blockBytes / median(limit) / 1e6) }),
  };
}

const round = (value: number): number => Number(value.toPrecision(3));
