import type { Primitives } from '@cloister/crypto';
import { BATCH_LEAVES, isMeasurement, leafHash, type Measurement } from '@cloister/evidence/make';
import { BASELINES, type Baseline, type Channel, ChannelClosed, type Loss, type ToEnclave } from '@cloister/protocol';
import { audit } from './audit/audit.ts';
import { signBatch } from './batch.ts';
import { clientOver } from './conversation.ts';
import { Refusal, refuse } from './failure.ts';
import { giveState } from './hand-over/give.ts';
import { makeKeyOffer } from './hand-over/offer.ts';
import { takeState } from './hand-over/take.ts';
import { blocksOf } from './state/extent.ts';
import { commit, createState, factsOf, openState, type StoreState } from './state/store-state.ts';
import { tagExtent } from './tag-extent.ts';

/**
 * An enclave at work on one store: does the jobs that come over the channel, until it closes. What is no job closes it.
 * @param clock milliseconds since 1970
 * @throws what is a bug of the enclave
 */
export async function serve(channel: Channel, primitives: Primitives, clock: () => number): Promise<void> {
  const client = clientOver(channel);
  let measurement: Measurement | undefined;
  let state: StoreState | undefined;
  let forgotten = new Set<string>();
  let absent = new Set<string>();
  let unlisted: Loss | undefined;
  let leaves: Uint8Array[] = [];
  const measured = (): Measurement => measurement ?? refuse('request', 'Nobody has measured this enclave');
  const opened = (): StoreState => state ?? refuse('request', 'No state is open');

  async function forgetAll(): Promise<void> {
    if (forgotten.size === 0) return;
    const { head, manifest } = opened();
    const gone = await manifest.forget(forgotten);
    opened().head = {
      ...head,
      objects: head.objects - gone.objects,
      sourceObjects: head.sourceObjects - gone.sourceObjects,
      contentHashObjects: head.contentHashObjects - gone.contentHashObjects,
      extents: head.extents - gone.extents,
      bytes: head.bytes - gone.bytes,
    };
    opened().changed ||= gone.extents > 0;
    forgotten = new Set();
  }

  async function carryOut(job: ToEnclave): Promise<void> {
    switch (job.kind) {
      case 'measured': {
        const { kind: _, ...rest } = job;
        if (measurement !== undefined || !isMeasurement(rest)) refuse('request', 'No measurement, or a second one');
        measurement = rest;
        return;
      }
      case 'offer':
        if (state !== undefined) refuse('request', 'A state is open already');
        return makeKeyOffer(primitives, job, measured(), clock(), client);
      case 'take-over':
        if (state !== undefined) refuse('request', 'A state is open already');
        state = await takeState(primitives, job, clock(), client);
        return client.tell({ kind: 'state', ...factsOf(state) });
      case 'hand-over':
        if (opened().changed || forgotten.size > 0) refuse('request', 'What has changed is not sealed yet');
        return giveState(primitives, opened(), job, client);
      case 'create':
        if (state !== undefined) refuse('request', 'A state is open already');
        state = await createState(primitives, job, clock(), client);
        return;
      case 'open':
        if (state !== undefined) refuse('request', 'A state is open already');
        state = await openState(primitives, job, client);
        return client.tell({ kind: 'state', ...factsOf(state) });
      case 'tag': {
        const { head, scheme, manifest } = opened();
        const extent = await tagExtent(primitives, scheme, head, job, client);
        if (extent === undefined) return;
        manifest.add(extent);
        if (job.replace) forgotten.add(extent.path);
        const nextBlock = head.nextBlock + blocksOf(extent, head.blockBytes);
        const begun = (...baselines: readonly Baseline[]): number =>
          extent.offset === 0 && baselines.includes(extent.baseline) ? 1 : 0;
        opened().head = {
          ...{ ...head, nextBlock, extents: head.extents + 1, bytes: head.bytes + extent.length },
          objects: head.objects + begun(...BASELINES),
          sourceObjects: head.sourceObjects + begun('source'),
          contentHashObjects: head.contentHashObjects + begun('content-hash'),
        };
        opened().changed = true;
        return;
      }
      case 'forget':
        forgotten.add(job.path);
        return;
      case 'commit':
        await forgetAll();
        await commit(primitives, opened(), client);
        return client.tell({ kind: 'state', ...factsOf(opened()) });
      case 'list':
        for (const { id } of opened().head.pages) await client.tell({ kind: 'page.live', id });
        for await (const { salt: _, version: __, first: ___, tagsAt: ____, ...extent } of opened().manifest.all())
          await client.tell({ kind: 'extent', ...extent });
        return;
      case 'absent':
        absent.add(job.path);
        return;
      case 'unlisted':
        unlisted = job.loss;
        return;
      case 'audit': {
        const { head, scheme, manifest, changed } = opened();
        if (changed || forgotten.size > 0) refuse('request', 'What has changed is not sealed yet');
        const listing = { absent, unlisted };
        absent = new Set();
        unlisted = undefined;
        opened().head = await audit(primitives, scheme, head, manifest, job, listing, clock(), measured(), client);
        opened().changed = true;
        return;
      }
      case 'leaf':
        if (leaves.length === BATCH_LEAVES.to) refuse('full', 'A batch of more receipts than one can have');
        leaves.push(await leafHash(primitives.sha256, job.bytes));
        return;
      case 'batch': {
        const batched = leaves;
        leaves = [];
        return signBatch(primitives, opened().head, batched, clock(), measured(), client);
      }
      default:
        refuse('request', `No job: ${job.kind}`);
    }
  }

  try {
    for (;;) {
      const job = await client.next();
      if (job === undefined) {
        channel.close('A malformed message');
        return;
      }
      try {
        await carryOut(job);
        await client.tell({ kind: 'done' });
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
        await client.tell({ kind: 'failed', failure: error.failure, text: error.message.slice(0, 1000) });
      }
    }
  } catch (error) {
    if (!(error instanceof ChannelClosed)) throw error;
  }
}
