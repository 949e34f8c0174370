import { afterEach, beforeEach, expect, test } from 'vitest';
import { asSigned, verifyReceipt, withInclusion } from '../../../evidence/src/index.ts';
import { fromEnclave } from '../../../protocol/src/index.ts';
import { type AuditContext, addStore, auditReceipts, fingerprintOf, removeAudit, runAudit } from './index.ts';
import { openStore } from './stores/open-store.ts';
import { StoreLoss } from './stores/store.ts';
import { enclaveHere, measuredHere } from './testing/enclave-here.ts';
import { type Laboratory, laboratory, noise } from './testing/laboratory.ts';

const NAMES = ['one', 'two', 'three'];
let lab: Laboratory;
let context: AuditContext;
beforeEach(async () => {
  lab = laboratory();
  context = { startEnclave: enclaveHere(), measureEnclave: measuredHere };
  for (const name of NAMES) {
    lab.write(`${name}/file`, noise(5000));
    await addStore(context, `${lab.store}/${name}`, { name });
  }
});
afterEach(() => lab.close());

const receiptAt = (name: string, number: number) => {
  const bytes = lab.kept().get(`state/audits/${name}/receipts/0000000${number}.cose`)!;
  return { bytes, verified: verifyReceipt(new Uint8Array(bytes)) };
};

/** Audits all, the last of them with the others' receipts. */
async function round(names = NAMES, with_ = context): Promise<void> {
  const done: { name: string; number: number }[] = [];
  for (const [at, name] of names.entries())
    done.push(await runAudit(with_, name, { batchWith: at === names.length - 1 ? done : [] }));
}

test('audits that run together leave one batch, each receipt of which is whole', async () => {
  await round();
  const head = await fingerprintOf('three');
  const roots = new Set<string>();
  for (const [index, name] of NAMES.entries()) {
    const [kept] = await auditReceipts(name);
    expect(kept!.verified).toMatchObject({ ok: true, fingerprint: await fingerprintOf(name) });
    if (!kept!.verified.ok) continue;
    const { batch } = kept!.verified;
    expect(batch).toMatchObject({ index, fingerprint: head, head: { size: 3, root: 'software' } });
    expect(batch!.head.measurement).toEqual(kept!.verified.claims.measurement);
    roots.add(Buffer.from(batch!.root).toString('hex'));
  }
  expect(roots.size).toBe(1);
  // The next round is a batch of its own; one audit alone is none.
  await round(['one', 'two']);
  await round(['three']);
  expect(receiptAt('two', 2).verified).toMatchObject({ ok: true, batch: { index: 1, head: { size: 2 } } });
  expect(receiptAt('three', 2).verified).toMatchObject({ ok: true, batch: undefined });
});

test('a round that is killed before its batch is kept leaves receipts that verify without', async () => {
  const abort = new AbortController();
  const startEnclave = enclaveHere(Date.now, undefined, (frame) => {
    if (fromEnclave.decode(frame)?.kind === 'batched') abort.abort();
  });
  const killed = round(NAMES, { ...context, startEnclave, signal: abort.signal });
  await expect(killed).rejects.toMatchObject({ code: 'aborted' });
  for (const name of NAMES) expect(receiptAt(name, 1).verified).toMatchObject({ ok: true, batch: undefined });
  await round();
  for (const name of NAMES)
    expect(receiptAt(name, 2).verified).toMatchObject({ ok: true, batch: { head: { size: 3 } } });
});

test('an audit that is removed meanwhile is in no batch, and an older receipt stays what it was', async () => {
  const done = [await runAudit(context, 'one'), await runAudit(context, 'two')];
  const before = receiptAt('one', 1).bytes;
  await removeAudit(context, 'two');
  await runAudit(context, 'three', { batchWith: done });
  expect(receiptAt('three', 1).verified).toMatchObject({ ok: true, batch: { index: 1, head: { size: 2 } } });
  expect(Buffer.from(asSigned(new Uint8Array(receiptAt('one', 1).bytes))!)).toEqual(before);
});

test('a batch that was put to another receipt is not believed', async () => {
  await round();
  await round();
  const [first, second] = [receiptAt('one', 1), receiptAt('one', 2)].map(({ bytes }) => new Uint8Array(bytes));
  const swapped = withInclusion(first!, inclusionIn(second!));
  expect(verifyReceipt(swapped)).toEqual({ ok: false, flaw: 'wrong batch' });
  expect(verifyReceipt(withInclusion(first!, inclusionIn(first!)))).toMatchObject({ ok: true });
});

/** What a receipt carries as its place in a batch: the bytes that both of its forms do not share. */
function inclusionIn(receipt: Uint8Array): Uint8Array {
  const buffer = Buffer.from(receipt);
  // 394: [bstr], whose length stands in two bytes.
  const at = buffer.indexOf(Buffer.from([0x19, 0x01, 0x8a, 0x81, 0x59]));
  return receipt.slice(at + 7, at + 7 + buffer.readUInt16BE(at + 5));
}

test('that the store could not be listed stands in the receipt', async () => {
  context = {
    ...context,
    async openStore(...args) {
      const store = await openStore(...args);
      return {
        ...store,
        // biome-ignore lint/correctness/useYield: it fails before it lists anything
        async *list() {
          throw new StoreLoss('unreachable', 'No answer');
        },
      };
    },
  };
  const finding = { path: '', finding: 'unreachable', offset: 0, length: 0, blocks: 0 };
  const result = await runAudit(context, 'one');
  expect(result).toMatchObject({ wrong: [finding], findings: 1, facts: { lastFindings: 1 } });
  expect(receiptAt('one', 1).verified).toMatchObject({
    ok: true,
    claims: { audit: { findings: 1, found: [finding] } },
  });
});
