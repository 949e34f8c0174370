import { createHash } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { addStore, auditReceipts, runAudit } from '../../../audit/auditor/src/index.ts';
import { enclaveHere, measuredHere } from '../../../audit/auditor/src/testing/enclave-here.ts';
import { type Laboratory, laboratory, noise } from '../../../audit/auditor/src/testing/laboratory.ts';
import { decodeRecord, encodeRecord, recordsIn } from '../../../audit/pdp/src/index.ts';
import { type ProvenClaims, serveProver, verifyProofs } from './index.ts';

const BLOCK = 4096;
let lab: Laboratory;
let close: () => Promise<void>;
let publicKey: Uint8Array;
const proofs: Uint8Array[] = [];
const claims: ProvenClaims[] = [];

beforeAll(async () => {
  lab = laboratory();
  const prover = await serveProver({ directory: lab.store });
  close = prover.close;
  const context = { startEnclave: enclaveHere(), measureEnclave: measuredHere };
  for (const [name, length] of [
    ['one', 1],
    ['two', 2 * BLOCK],
    ['three', 3 * BLOCK + 5],
  ] as const)
    lab.write(name, noise(length, length));
  const wish = { name: 'lab', blockBytes: BLOCK, prover: prover.url, scheme: 'cpor-public' };
  await addStore(context, lab.store, wish);
  await runAudit(context, 'lab', { all: true });
  lab.flip('three', BLOCK);
  lab.remove('one');
  await runAudit(context, 'lab', { all: true });
  const kept = lab.kept();
  publicKey = kept.get('state/audits/lab/public')!;
  for (const { number, verified } of await auditReceipts('lab')) {
    proofs.push(kept.get(`state/audits/lab/receipts/0000000${number}.proofs`)!);
    if (verified.ok) claims.push(verified.claims.audit);
  }
}, 30_000);
afterAll(async () => {
  await close();
  lab.close();
});

test('proofs verify again without the enclave, and so does that there was none', async () => {
  expect(await verifyProofs(claims[0]!, proofs[0]!, publicKey)).toEqual({ ok: true, proofs: 3, failed: 0, lost: 0 });
  expect(await verifyProofs(claims[1]!, proofs[1]!, publicKey)).toEqual({ ok: true, proofs: 1, failed: 1, lost: 1 });
});

test('others do not: of another audit, left out, twice, in another order, cut short, none at all', async () => {
  const entries = [...recordsIn(proofs[0]!)];
  for (const list of [
    [...recordsIn(proofs[1]!)],
    entries.slice(1),
    [...entries, entries[0]!],
    [entries[1]!, entries[0]!, entries[2]!],
    [proofs[0]!.subarray(1)],
    [proofs[0]!.subarray(0, -1)],
    [],
  ])
    expect(await verifyProofs(claims[0]!, Buffer.concat(list), publicKey)).toMatchObject({ ok: false });
  const bent = new Uint8Array(publicKey);
  bent[bent.length - 1]! ^= 1;
  expect(await verifyProofs(claims[0]!, proofs[0]!, bent)).toEqual({
    ok: false,
    flaw: 'another public key than the receipt’s',
  });
});

test('a receipt that calls intact what is not proven is found out, whoever signed it', async () => {
  type Entry = { readonly finding: string; readonly proof?: Uint8Array };
  const anything = (value: unknown): value is Entry => value instanceof Object;
  const lied = [...recordsIn(proofs[1]!)].map((entry) => {
    const opened = decodeRecord(anything, new Uint8Array(entry))!;
    return opened.finding === 'not-proven' ? encodeRecord({ ...opened, finding: 'intact' }) : entry;
  });
  let transcript = Buffer.alloc(32);
  for (const entry of lied) transcript = createHash('sha256').update(transcript).update(entry).digest();
  const signed = { ...claims[1]!, transcript: new Uint8Array(transcript) };
  expect(await verifyProofs(signed, Buffer.concat(lied), publicKey)).toEqual({
    ok: false,
    flaw: '"three" is said to be intact, and is not',
  });
});
