import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, expect, test, vi } from 'vitest';
import { withInclusion } from '../../../../evidence/src/index.ts';
import { testSigner } from '../../../../evidence/src/testing/test-signer.ts';
import { type VerifyFlags, verifyReceipts } from './verify.ts';

const folder = mkdtempSync(join(tmpdir(), 'cloister-verify-'));
process.env.CLOISTER_HOME = folder;
afterAll(() => rmSync(folder, { recursive: true, force: true }));
afterEach(() => void vi.restoreAllMocks());
const [one, other] = [testSigner(), testSigner()];
const file = (name: string, bytes: Uint8Array): string => {
  writeFileSync(join(folder, name), bytes);
  return join(folder, name);
};

async function verified(
  receipt: Uint8Array,
  flags: VerifyFlags = {},
): Promise<readonly [status: number, said: string]> {
  let said = '';
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    said += String(text);
    return true;
  });
  return [await verifyReceipts([file('receipt', receipt)], flags), said];
}

test('a receipt by a given key is good, by another one wrong, by a stranger’s refused', async () => {
  const receipt = await one.receipt(1);
  const [status, said] = await verified(receipt, { key: [one.fingerprint] });
  expect([status, said]).toEqual([0, expect.stringContaining(`signed by a given key (${one.fingerprint})`)]);
  expect((await verified(receipt, { key: [other.fingerprint] }))[0]).toBe(1);
  expect(await verified(receipt)).toEqual([2, expect.stringContaining('a key not known here')]);
  await expect(verified(receipt, { key: ['no'] })).rejects.toMatchObject({ code: 'bad-usage' });
});

test('a batch is told, and the key of its head has to be known too', async () => {
  const receipts = [await one.receipt(1), await other.receipt(2)];
  const inclusions = await other.batch(receipts);
  const whole = withInclusion(receipts[0]!, inclusions[0]!);
  expect((await verified(whole, { key: [one.fingerprint] }))[0]).toBe(2);
  const both = { key: [one.fingerprint, other.fingerprint] };
  const line = `receipt 1 of 2 in a batch, whose head is signed by a given key (${other.fingerprint})`;
  expect(await verified(whole, both)).toEqual([0, expect.stringContaining(line)]);
  const [status, json] = await verified(whole, { ...both, json: true });
  expect([status, JSON.parse(json).receipts[0].batch]).toMatchObject([0, { index: 0, fingerprint: other.fingerprint }]);
  const wrong = withInclusion(receipts[0]!, inclusions[1]!);
  expect(await verified(wrong, both)).toEqual([1, expect.stringContaining('does not verify: wrong batch')]);
});
