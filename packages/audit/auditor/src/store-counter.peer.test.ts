import { afterAll, beforeAll, expect, test } from 'vitest';
import { type AuditContext, addStore, removeAudit, runAudit } from './index.ts';
import { conditionalObject, objectName } from './stores/conditional-object.ts';
import { type BucketWriter, bucketWriter } from './testing/bucket-writer.ts';
import { ACCESS_KEY, cephGateway, type Gateway, SECRET_KEY } from './testing/ceph-gateway.ts';
import { enclaveHere, measuredHere } from './testing/enclave-here.ts';
import { type Laboratory, laboratory, noise } from './testing/laboratory.ts';

const BLOCK = 4096;
const WRITERS = 8;
const ROUNDS = 25;
const context: AuditContext = { startEnclave: enclaveHere(), measureEnclave: measuredHere };
let gateway: Gateway;
let writer: BucketWriter;
let lab: Laboratory;
const at = (key: string): string => objectName(`s3://counters/${key}?endpoint=${gateway.endpoint}`);

beforeAll(async () => {
  process.env.AWS_ACCESS_KEY_ID = ACCESS_KEY;
  process.env.AWS_SECRET_ACCESS_KEY = SECRET_KEY;
  lab = laboratory();
  lab.write('file', noise(3 * BLOCK));
  gateway = await cephGateway();
  writer = bucketWriter(gateway.endpoint, 'counters');
  await writer.create();
}, 180_000);
afterAll(async () => {
  for (const name of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY']) delete process.env[name];
  writer?.close();
  await gateway?.stop();
  lab?.close();
}, 60_000);

test("Ceph's gateway keeps a counter", async () => {
  const counterAt = at('fol der/lab');
  const options = { name: 'lab', blockBytes: BLOCK, counterAt };
  await addStore(context, lab.store, options);
  const older = lab.kept();
  expect(await runAudit(context, 'lab')).toMatchObject({ wrong: [], number: 1, facts: { counterAt } });
  const newer = lab.kept();
  lab.restore(older);
  await expect(runAudit(context, 'lab')).rejects.toMatchObject({ code: 'rolled-back' });
  lab.restore(newer);
  expect(await runAudit(context, 'lab')).toMatchObject({ wrong: [], number: 2 });
  await removeAudit(context, 'lab');
  await addStore(context, lab.store, options);
}, 60_000);

test('of some that write at one tag, or where nothing lies, one wins', async () => {
  const bytes = (text: string): Uint8Array => Buffer.from(text);
  const objects = await Promise.all(Array.from({ length: WRITERS }, () => conditionalObject(at('race'))));
  const [one] = objects;
  const race = async (tag: string | undefined): Promise<number> =>
    (await Promise.all(objects.map((object, number) => object.put(bytes(`${tag} ${number}`), tag)))).filter(Boolean)
      .length;
  try {
    expect(await one!.put(bytes('gone'), '"none"')).toBe(false);
    for (let round = 0; round < ROUNDS; round += 1) expect(await race((await one!.get(100))?.tag), `${round}`).toBe(1);
    expect(await one!.put(bytes('again'), undefined)).toBe(false);
  } finally {
    await one!.delete();
    for (const object of objects) object.close();
  }
}, 60_000);

test('in a bucket that keeps versions its gateway knows no conditions, which is noticed', async () => {
  const versioned = bucketWriter(gateway.endpoint, 'versions');
  await versioned.create();
  await versioned.keepVersions();
  versioned.close();
  const counterAt = objectName(`s3://versions/lab?endpoint=${gateway.endpoint}`);
  const added = addStore(context, lab.store, { name: 'versions', blockBytes: BLOCK, counterAt });
  await expect(added).rejects.toMatchObject({ code: 'bad-counter' });
}, 60_000);
