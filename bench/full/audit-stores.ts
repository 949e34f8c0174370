import { loadavg } from 'node:os';
import { type AuditContext, addStore, runAudit, syncStore } from '../../packages/audit/auditor/src/index.ts';
import { openStore } from '../../packages/audit/auditor/src/stores/open-store.ts';
import { type AuditedBucket, auditedBucket, BLOCK } from '../../packages/audit/auditor/src/testing/audited-bucket.ts';
import { bucketWriter } from '../../packages/audit/auditor/src/testing/bucket-writer.ts';
import { faultCampaign } from '../../packages/audit/auditor/src/testing/fault-campaign.ts';
import { laboratory } from '../../packages/audit/auditor/src/testing/laboratory.ts';
import type { FullCheck } from '../full.ts';

const SAMPLE = 460;

/** Audits of a bucket in Ceph: behind a faulty way, and of many small objects. */
export const auditStores: FullCheck = async ({ quick }) => {
  const seed = Number(process.env.CLOISTER_SEED ?? Date.now() % 1e9);
  const lab = laboratory();
  const bucket = await auditedBucket(2000);
  try {
    await addStore(bucket.context, bucket.store, { name: 'bucket', blockBytes: BLOCK });
    const common = { seed, share: 0.4 };
    const campaigns = [];
    for (const [audits, sample, silentEvery] of quick
      ? [
          [300, 20, 100],
          [6, SAMPLE, 6],
        ]
      : [
          [10_000, 20, 250],
          [100, SAMPLE, 20],
        ]) {
      const campaign = { ...common, audits: audits!, sample: sample!, silentEvery: silentEvery! };
      const start = performance.now();
      const result = await faultCampaign(bucket.context, 'bucket', bucket.proxy, bucket.base, BLOCK, campaign);
      const seconds = Math.round((performance.now() - start) / 1000);
      campaigns.push({
        sample,
        seconds,
        ...result,
        mistakes: result.mistakes.slice(0, 20),
        wrong: result.mistakes.length,
      });
    }
    const small = await smallObjects(bucket, quick ? 2_000 : 100_000);
    return {
      holds: campaigns.every(({ wrong }) => wrong === 0) && small.named,
      seed,
      hostLoad: loadavg().map((value) => Math.round(10 * value) / 10),
      campaigns,
      faultsServed: Object.fromEntries([...bucket.proxy.served].sort()),
      smallObjects: small,
    };
  } finally {
    await bucket.close();
    lab.close();
  }
};

/** Many small objects, of which one is removed: named by the listing, and by its block where there is no listing. */
async function smallObjects({ gateway, context }: AuditedBucket, count: number) {
  const writer = bucketWriter(gateway.endpoint, 'small');
  await writer.create();
  const keyOf = (number: number): string => `folder-${number % 100}/object-${number}`;
  const seconds: Record<string, number> = {};
  async function timed<T>(what: string, work: () => Promise<T>): Promise<T> {
    const start = performance.now();
    const result = await work();
    seconds[what] = Math.round((performance.now() - start) / 100) / 10;
    return result;
  }
  let next = 0;
  const put = async (): Promise<void> => {
    while (next < count) {
      const number = next;
      next += 1;
      await writer.put(keyOf(number), new TextEncoder().encode(`content of ${number}`));
    }
  };
  await timed('upload', async () => void (await Promise.all(Array.from({ length: 32 }, put))));
  // Past the proxy.
  const direct: AuditContext = {
    ...context,
    openStore,
  };
  const store = `s3://small?endpoint=${gateway.endpoint}`;
  const added = await timed('add', () => addStore(direct, store, { name: 'small', blockBytes: BLOCK }));
  const removed = keyOf(Math.floor(count / 3));
  await writer.delete(removed);
  const listed = await timed('byListing', () => runAudit(direct, 'small', { sample: 0, dueMax: 0 }));
  const unlisted: AuditContext = {
    ...context,
    async openStore(...args) {
      const opened = await openStore(...args);
      // A store that lists what it does not have any more.
      return { ...opened, list: () => withObject(opened.list(), removed) };
    },
  };
  const read = await timed('byBlocks', () => runAudit(unlisted, 'small', { all: true }));
  const synced = await timed('sync', () => syncStore(direct, 'small', { removed: true }));
  writer.close();
  const names = ({ wrong }: typeof read): string => wrong.map(({ finding, path }) => `${finding} ${path}`).join();
  return {
    ...{ objects: count, seconds, rssMiB: Math.round(process.memoryUsage.rss() / 2 ** 20) },
    named:
      added.objects === count &&
      names(listed) === `missing ${removed}` &&
      names(read) === `missing ${removed}` &&
      synced.forgotten === 1,
  };
}

async function* withObject<T extends { readonly path: string }>(list: AsyncIterable<T>, path: string) {
  let any: T | undefined;
  for await (const object of list) {
    any = object;
    yield object;
  }
  if (any !== undefined) yield { ...any, path };
}
