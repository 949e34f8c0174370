import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { addStore, runAudit, syncStore } from '../index.ts';
import { type AuditedBucket, auditedBucket, BLOCK } from '../testing/audited-bucket.ts';
import { faultCampaign } from '../testing/fault-campaign.ts';
import { type Laboratory, laboratory, noise } from '../testing/laboratory.ts';

let bucket: AuditedBucket;
let lab: Laboratory;

beforeAll(async () => {
  lab = laboratory();
  bucket = await auditedBucket(2000);
}, 180_000);
afterAll(async () => {
  await bucket?.close();
  lab?.close();
}, 60_000);

const run = (options = {}) => runAudit(bucket.context, 'bucket', options);
const seen = async (options = {}) =>
  (await run(options)).wrong.map(({ path, finding, offset }) => [finding, path, offset]);

describe("Ceph's S3 gateway", () => {
  test('gives each object under each name, whole and in parts', async () => {
    const added = await addStore(bucket.context, bucket.store, { name: 'bucket', blockBytes: BLOCK });
    const bytes = [...bucket.objects.values()].reduce((sum, { length }) => sum + length, 0);
    expect(added).toMatchObject({ skipped: [], objects: bucket.objects.size, bytes });
    expect(await run({ all: true })).toMatchObject({ wrong: [], bytes });
  }, 120_000);

  test('each fault has its own verdict, and no intact block another', async () => {
    const seed = Date.now() % 1e9;
    const common = { seed, share: 0.4, silentEvery: 50 };
    for (const { audits, sample } of [
      { audits: 300, sample: 20 },
      { audits: 6, sample: 460 },
    ]) {
      const result = await faultCampaign(bucket.context, 'bucket', bucket.proxy, bucket.base, BLOCK, {
        ...{ ...common, audits, sample },
      });
      expect(result.mistakes.slice(0, 10), `seed ${seed}`).toEqual([]);
      expect(Object.keys(result.verdicts)).toEqual(
        expect.arrayContaining(['corrupt', 'missing', 'archived', 'stale', 'unreachable', 'throttled', 'unknown']),
      );
    }
    expect(bucket.proxy.served.get('silence')).toBeGreaterThan(0);
    expect(await seen({ all: true })).toEqual([]);
  }, 280_000);

  test('a deleted object is named at once, and an overwritten one with each of its blocks', async () => {
    await bucket.delete('plain/40');
    expect(await seen({ sample: 0, dueMax: 0 })).toEqual([['missing', 'plain/40', 0]]);
    const before = bucket.objects.get('plain/40')!;
    await bucket.put('plain/40', noise(before.length, 99));
    const { wrong } = await run({ all: true });
    expect(new Set(wrong.map(({ finding, path }) => `${finding} ${path}`))).toEqual(new Set(['stale plain/40']));
    expect(wrong.reduce((sum, { blocks }) => sum + blocks, 0)).toBe(40);
    expect(await syncStore(bucket.context, 'bucket', {})).toMatchObject({ altered: ['plain/40'], missing: [] });
    await bucket.put('plain/40', before);
    expect(await seen({ all: true })).toEqual([]);
  }, 60_000);

  test.each([-3, 5])(
    'a clock that is wrong by %i hours is put right',
    async (hours) => {
      const now = Date.now;
      const spy = vi.spyOn(Date, 'now').mockImplementation(() => now() + hours * 3_600_000);
      try {
        expect(await seen({ sample: 100 })).toEqual([]);
      } finally {
        spy.mockRestore();
      }
    },
    60_000,
  );

  test('a listing that cannot be had is said, and hides nothing that is read', async () => {
    bucket.proxy.listing = { name: 'no listing', verdict: 'unreachable', instead: (r) => void r.writeHead(403).end() };
    try {
      expect(await seen({ sample: 10 })).toEqual([['unreachable', '', 0]]);
      await bucket.delete('length 1');
      expect((await seen({ all: true })).sort()).toEqual([
        ['missing', 'length 1', 0],
        ['unreachable', '', 0],
      ]);
    } finally {
      bucket.proxy.listing = undefined;
      await bucket.put('length 1', bucket.objects.get('length 1')!);
    }
  }, 60_000);

  test('who may not read finds nothing out, and nothing corrupt', async () => {
    process.env.AWS_SECRET_ACCESS_KEY = 'another';
    try {
      const { wrong } = await run({ sample: 20, dueMax: 0 });
      expect(new Set(wrong.map(({ finding }) => finding))).toEqual(new Set(['unreachable']));
    } finally {
      process.env.AWS_SECRET_ACCESS_KEY = 'not-a-secret';
    }
  }, 60_000);
});
