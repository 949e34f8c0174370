import type { Primitives } from '@cloister/crypto';
import { type AuditClaims, type Measurement, makeReceipt } from '@cloister/evidence/make';
import type { Scheme } from '@cloister/pdp';
import { type Audited, type Finding, type FindingKind, LOSSES, type Loss, type ToEnclave } from '@cloister/protocol';
import type { Client } from '../conversation.ts';
import { blocksOf, type Extent } from '../state/extent.ts';
import type { Head } from '../state/head.ts';
import type { Manifest } from '../state/manifest.ts';
import { freshCoverage, type Plan, planAudit } from './plan.ts';
import { proveBlocks } from './prove-blocks.ts';
import { type BlockRun, type Outcome, readBlocks } from './read-blocks.ts';
import { createRecord } from './record.ts';

export type AuditRequest = Extract<ToEnclave, { readonly kind: 'audit' }>;

/** What says nothing of the blocks themselves: they are due again the next time. */
const UNREAD: readonly (FindingKind | 'intact')[] = ['timed-out', 'unreachable', 'throttled', 'unknown'];

/** How often an audit tells how far it is, in blocks. */
const PROGRESS_BLOCKS = 512;

/** What the store's list has shown: objects that are not in it, or why there is none. */
export interface Listing {
  readonly absent: ReadonlySet<string>;
  readonly unlisted: Loss | undefined;
}

/**
 * One audit: reads what is planned, or everything, tells what it finds, and returns what the state knows then. Findings
 * of blocks that follow one another are told as one.
 */
export async function audit(
  primitives: Primitives,
  scheme: Scheme,
  head: Head,
  manifest: Manifest,
  request: AuditRequest,
  { absent, unlisted }: Listing,
  now: number,
  measurement: Measurement,
  client: Client,
): Promise<Head> {
  const { period, nextBlock, blockBytes } = head;
  const seed = primitives.random(32);
  const wish = { coverage: head.coverage, period, blocks: nextBlock, now, sample: request.sample, dueMax: request.due };
  const plan = request.all ? undefined : await planAudit(primitives, wish, seed);
  const runs = plan === undefined ? everything(manifest, blockBytes) : planned(plan, manifest, blockBytes);
  const present = absent.size === 0 ? runs : without(runs, absent);
  const of = plan?.blocks.length ?? Math.ceil(head.bytes / blockBytes);

  const record = createRecord(primitives);
  let passed = 0;
  let blocks = 0;
  let bytes = 0;
  let toldAt = 0;
  let unread = false;
  let last: Outcome | undefined;
  const tellOf = async (finding: Finding): Promise<void> => {
    record.find(finding);
    await client.tell({ kind: 'finding', ...finding });
  };
  const tellLast = async (): Promise<void> => {
    if (last === undefined) return;
    const { extent, from, count, finding } = last;
    const at = from * blockBytes;
    const span = spanOf(last);
    await tellOf({
      path: extent.path,
      finding: finding as FindingKind,
      offset: extent.offset + at,
      length: Math.min(span * blockBytes, extent.length - at),
      blocks: count,
    });
    last = undefined;
  };
  const whole = { offset: 0, length: 0, blocks: 0 };
  // Of no object, but of all.
  if (unlisted !== undefined) await tellOf({ path: '', finding: unlisted, ...whole });
  for (const path of absent) await tellOf({ path, finding: 'missing', ...whole });
  const check = head.prover === '' ? readBlocks : proveBlocks;
  for await (const outcome of check(primitives, scheme, head, client, present)) {
    const { extent, from, count, finding } = outcome;
    const entry = await record.add(outcome);
    if (head.schemeKey.length > 0) await client.tell({ kind: 'proven', bytes: entry });
    unread ||= UNREAD.includes(finding);
    passed += count;
    if (!(LOSSES as readonly string[]).includes(finding)) {
      blocks += count;
      bytes += Math.min(count * blockBytes, extent.length - from * blockBytes);
    }
    if (finding !== 'intact') {
      if (last?.extent === extent && last.finding === finding && last.from + spanOf(last) === from)
        last = { ...last, count: last.count + count, span: spanOf(last) + spanOf(outcome) };
      else {
        await tellLast();
        last = outcome;
      }
    }
    if (passed - toldAt >= PROGRESS_BLOCKS) {
      toldAt = passed;
      await client.tell({ kind: 'progress', blocks: passed, of, bytes });
    }
  }
  await tellLast();

  const covered = (): Head['coverage'] => {
    if (plan !== undefined) return unread ? { ...plan.coverage, done: plan.coverage.done - plan.due } : plan.coverage;
    // Who has read everything begins a new period.
    return unread ? head.coverage : freshCoverage(primitives, nextBlock, now);
  };
  const coverage = covered();
  const number = head.audits + 1;
  const { findings } = record;
  const audited: Audited = {
    ...{ number, time: now, blocks, bytes, findings, ofBlocks: nextBlock },
    sampled: plan?.sampled ?? 0,
    due: plan?.due ?? 0,
  };
  const { time: _, ...counts } = audited;
  const claims: AuditClaims = {
    ...counts,
    ...{
      store: head.store,
      prover: head.prover,
      schemeKey: head.schemeKey,
      state: head.id,
      scheme: head.scheme,
      blockBytes,
      all: request.all,
      seed,
    },
    ...record.sum(),
    coverage: { start: coverage.start, period, total: coverage.total, done: coverage.done },
  };
  const receipt = await makeReceipt(
    { iat: Math.floor(now / 1000), root: head.root, publicKey: head.publicKey, measurement, audit: claims },
    await primitives.sha256(head.publicKey),
    (message) => primitives.ed25519.sign(head.signingKey, message),
  );
  await client.tell({ kind: 'receipt', number, bytes: receipt });
  await client.tell({ kind: 'audited', ...audited });
  return { ...head, coverage, audits: number, lastAudit: now, lastFindings: findings };
}

const spanOf = ({ count, span = count }: Outcome): number => span;

async function* everything(manifest: Manifest, blockBytes: number): AsyncGenerator<BlockRun> {
  for await (const extent of manifest.all()) yield { extent, from: 0, count: blocksOf(extent, blockBytes) };
}

/** The plan's blocks that still belong to something, neighbours together. */
async function* planned(plan: Plan, manifest: Manifest, blockBytes: number): AsyncGenerator<BlockRun> {
  let run: { extent: Extent; from: number; count: number } | undefined;
  let end = 0;
  for (const block of plan.blocks) {
    if (run !== undefined && block < end && block === run.extent.first + run.from + run.count) {
      run.count += 1;
      continue;
    }
    if (run !== undefined) yield run;
    run = undefined;
    const extent = await manifest.holding(block);
    if (extent === undefined) continue;
    end = extent.first + blocksOf(extent, blockBytes);
    run = { extent, from: block - extent.first, count: 1 };
  }
  if (run !== undefined) yield run;
}

async function* without(runs: AsyncIterable<BlockRun>, absent: ReadonlySet<string>): AsyncGenerator<BlockRun> {
  for await (const run of runs) if (!absent.has(run.extent.path)) yield run;
}
