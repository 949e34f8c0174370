import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { addStore, runAudit } from '../../../audit/auditor/src/index.ts';
import { enclaveHere, measuredHere } from '../../../audit/auditor/src/testing/enclave-here.ts';
import { laboratory, noise } from '../../../audit/auditor/src/testing/laboratory.ts';
import { serveProver } from '../../../audit/prover/src/index.ts';
import { withInclusion } from '../../../evidence/src/index.ts';
import type { ReceiptFinding } from '../../../evidence/src/make/index.ts';
import { testSigner } from '../../../evidence/src/testing/test-signer.ts';
import { nodePrimitives } from '../../../trusted/crypto/src/index.ts';
import { fillPage, type ReportData } from './index.ts';

const folder = mkdtempSync(join(tmpdir(), 'cloister-report-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const built = readFileSync(fileURLToPath(new URL('../../../../dist/report.html', import.meta.url)), 'utf8');
const DEADLINE = 60_000;

const [signer, other] = [testSigner(), testSigner()];
const { fingerprint } = signer;
const receiptOf = (number: number, found: readonly ReceiptFinding[] = [], store = '/backups'): Promise<Uint8Array> =>
  signer.receipt(number, { store, findings: found.length, found });
type Shown = Omit<ReportData['audits'][number], 'receipts'> & { readonly receipts: readonly Uint8Array[] };
const backups = (receipts: readonly Uint8Array[]): Shown => ({ name: 'backups', fingerprint, receipts, proofs: null });
const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');

/** The page with these audits, as a browser without a network shows it. */
function shownOf(audits: readonly Shown[], change: (page: string) => string = (page) => page, width = 1100): string {
  const data: ReportData = {
    ...{ schema: 1, made: 1_795_700_000_000 },
    audits: audits.map((audit) => ({ ...audit, receipts: audit.receipts.map(base64) })),
  };
  const file = join(folder, 'report.html');
  writeFileSync(file, change(fillPage(built, data)));
  const options = [
    ...['--headless', '--no-sandbox', '--disable-gpu', `--user-data-dir=${folder}/profile`],
    ...['--virtual-time-budget=20000', `--window-size=${width},900`],
  ];
  return execFileSync('chromium', [...options, '--dump-dom', `file://${file}`], {
    ...{ encoding: 'utf8', timeout: DEADLINE, maxBuffer: 2 ** 26, stdio: ['ignore', 'pipe', 'ignore'] },
  });
}
const shown = (receipts: readonly Uint8Array[], change?: (page: string) => string, width?: number): string =>
  shownOf([backups(receipts)], change, width);
const textOf = (page: string, id: string): string => new RegExp(`id="${id}"[^>]*>([^<]*)<`).exec(page)?.[1] ?? '';
const CORRUPT: ReceiptFinding = { path: 'a/<b>&c', finding: 'corrupt', offset: 16384, length: 16384, blocks: 1 };

describe('the report in a browser', () => {
  test('verifies its receipts, and says what the last one says', { timeout: DEADLINE }, async () => {
    const page = shown([await receiptOf(1), await receiptOf(2)]);
    expect(textOf(page, 'verified')).toBe('2 of 2 receipts verified just now, in this browser, without a network.');
    expect(textOf(page, 'verdict')).toBe('What was read is intact.');
    expect(page).toContain('is found with 99.03 %');
    expect(page).toContain('A sandbox, not a TEE');
  });

  test('names what is wrong, as text and not as markup', { timeout: DEADLINE }, async () => {
    const page = shown([await receiptOf(1), await receiptOf(2, [CORRUPT])]);
    expect(textOf(page, 'verdict')).toBe('Something is wrong.');
    expect(page).toContain('a/&lt;b&gt;&amp;c');
  });

  test('a receipt that was changed, or that another key signed, is not believed', { timeout: DEADLINE }, async () => {
    const receipt = await receiptOf(1);
    const bent = receipt.slice();
    bent[bent.length - 1]! ^= 1;
    const page = shown([receipt, bent]);
    expect(textOf(page, 'verdict')).toBe('1 of 2 receipts do not verify: do not believe this report.');
    const other = shown([receipt], (text) => text.replace(fingerprint, '00'.repeat(32)));
    expect(textOf(other, 'verified')).toContain('0 of 1');
  });

  test('runs no script but its own, whatever a receipt says', { timeout: DEADLINE }, async () => {
    const evil = await receiptOf(1, [{ ...CORRUPT, path: '</script><script>document.title="evil"</script>' }]);
    const planted = (page: string) => page.replace('</body>', '<script>document.title = "planted"</script></body>');
    const page = shown([evil], planted);
    expect(page).toContain('<title>Cloister: audit report</title>');
    // The control: without its policy the planted script runs.
    const open = shown([evil], (text) => planted(text).replace(/<meta http-equiv[^>]*>/, ''));
    expect(open).toContain('<title>planted</title>');
  });

  test('fits a phone', { timeout: DEADLINE }, async () => {
    const long = { ...CORRUPT, path: 'a-very-long-name-without-a-space/'.repeat(8) };
    const measured = (page: string) =>
      page
        .replace(/<meta http-equiv[^>]*>/, '')
        .replace(
          '</body>',
          '<script>document.title = document.documentElement.scrollWidth + " of " + innerWidth</script></body>',
        );
    const page = shown([await receiptOf(1, [long], '/a/very/long/name/of/a/store/'.repeat(6))], measured, 500);
    const [, width, room] = /<title>(\d+) of (\d+)<\/title>/.exec(page)!;
    expect(Number(width)).toBeLessThanOrEqual(Number(room));
  });

  test('verifies public proofs again, and says when they do not', { timeout: 2 * DEADLINE }, async () => {
    const lab = laboratory();
    const prover = await serveProver(nodePrimitives, { directory: lab.store });
    try {
      const context = { startEnclave: enclaveHere(), measureEnclave: measuredHere };
      for (const name of ['one', 'two']) lab.write(name, noise(9000, name.length));
      const wish = { name: 'proven', blockBytes: 4096, prover: prover.url, scheme: 'cpor-public' };
      await addStore(context, lab.store, wish);
      lab.flip('two', 5000);
      await runAudit(context, 'proven', { all: true });
      const kept = lab.kept();
      const [receipt, list] = ['cose', 'proofs'].map(
        (kind) => kept.get(`state/audits/proven/receipts/00000001.${kind}`)!,
      );
      const proofs = { list: base64(list!), publicKey: base64(kept.get('state/audits/proven/public')!) };
      const key = kept.get('data/audit-keys/proven.fingerprint')!.toString('latin1').trim();
      const audit: Shown = { name: 'proven', fingerprint: key, receipts: [new Uint8Array(receipt!)], proofs };
      const page = shownOf([audit]);
      expect(page).toContain('1 verified again just now, in this browser, with the public key; 1 failed');
      expect(textOf(page, 'verdict')).toBe('Something is wrong.');
      expect(page).toContain(`<code>${prover.url}</code>`);
      const bent = new Uint8Array(list!);
      bent[bent.length - 20]! ^= 1;
      const wrong = shownOf([{ ...audit, proofs: { ...proofs, list: base64(bent) } }]);
      expect(textOf(wrong, 'verdict')).toBe('Proofs do not verify: do not believe this report.');
      const less = shownOf([{ ...audit, proofs: 'too long' }]);
      expect(less).toContain('"cloister verify --proofs" verifies them again');
    } finally {
      await prover.close();
      lab.close();
    }
  });

  test('says where a receipt stands in its batch, and whose head that is', { timeout: DEADLINE }, async () => {
    const receipts = [await receiptOf(1), await other.receipt(2)];
    const batch = await signer.batch(receipts);
    const page = shownOf([
      backups([withInclusion(receipts[0]!, batch[0]!)]),
      { ...backups([withInclusion(receipts[1]!, batch[1]!)]), name: 'photos', fingerprint: other.fingerprint },
    ]);
    expect(page).toContain('receipt 1 of 2, under one head that the key of backups signed');
    expect(page).toContain('receipt 2 of 2, under one head that the key of backups signed');
    const swapped = shown([withInclusion(receipts[0]!, batch[1]!)]);
    expect(textOf(swapped, 'verdict')).toBe('1 of 1 receipts do not verify: do not believe this report.');
    expect(swapped).toContain('wrong batch');
  });

  test('says that a store could not be listed', { timeout: DEADLINE }, async () => {
    const page = shown([await receiptOf(1, [{ path: '', finding: 'unreachable', offset: 0, length: 0, blocks: 0 }])]);
    expect(textOf(page, 'verdict')).toContain('could not be read');
    expect(page).toContain('the list of what the store has');
  });
});
