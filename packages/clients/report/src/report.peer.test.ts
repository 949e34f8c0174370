import { execFileSync } from 'node:child_process';
import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { type Claims, makeReceipt, type ReceiptFinding } from '../../../evidence/src/make/index.ts';
import { fillPage, type ReportData } from './index.ts';

const folder = mkdtempSync(join(tmpdir(), 'cloister-report-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const built = readFileSync(fileURLToPath(new URL('../../../../dist/report.html', import.meta.url)), 'utf8');
const DEADLINE = 60_000;

const { privateKey, publicKey: object } = generateKeyPairSync('ed25519');
const publicKey = new Uint8Array(object.export({ format: 'der', type: 'spki' }).subarray(12));
const kid = new Uint8Array(createHash('sha256').update(publicKey).digest());
const fingerprint = Buffer.from(kid).toString('hex');
const hash = new Uint8Array(32).fill(7);

const receiptOf = (number: number, found: readonly ReceiptFinding[] = [], store = '/backups'): Promise<Uint8Array> => {
  const claims: Claims = {
    ...{ iat: 1_795_651_200 + number * 86_400, root: 'software', publicKey },
    measurement: { bundle: hash, filter: hash, node: hash, libraries: hash, command: '[]', level: 'full' },
    audit: {
      ...{
        store,
        prover: '',
        state: hash,
        number,
        scheme: 'gmac-cpor',
        schemeKey: new Uint8Array(0),
        blockBytes: 16384,
        all: false,
        seed: hash,
      },
      ...{ blocks: 460, bytes: 7_536_640, sampled: 460, due: 12, ofBlocks: 65_536, transcript: hash },
      ...{ baselines: ['store'], findings: found.length, found },
      coverage: { start: 1_795_651_200_000, period: 2_592_000_000, total: 65_536, done: 12_000 },
    },
  };
  return makeReceipt(claims, kid, (message) => sign(null, message, privateKey));
};

/** The page with these receipts, as a browser without a network shows it. */
async function shown(receipts: readonly Uint8Array[], change: (page: string) => string = (page) => page, width = 1100) {
  const data: ReportData = {
    ...{ schema: 1, made: 1_795_700_000_000 },
    audits: [
      { name: 'backups', fingerprint, receipts: receipts.map((bytes) => Buffer.from(bytes).toString('base64')) },
    ],
  };
  const file = join(folder, 'report.html');
  writeFileSync(file, change(fillPage(built, data)));
  const options = ['--headless', '--no-sandbox', '--disable-gpu', `--user-data-dir=${folder}/profile`];
  return execFileSync('chromium', [...options, `--window-size=${width},900`, '--dump-dom', `file://${file}`], {
    encoding: 'utf8',
    timeout: DEADLINE,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
}
const textOf = (page: string, id: string): string => new RegExp(`id="${id}"[^>]*>([^<]*)<`).exec(page)?.[1] ?? '';
const CORRUPT: ReceiptFinding = { path: 'a/<b>&c', finding: 'corrupt', offset: 16384, length: 16384, blocks: 1 };

describe('the report in a browser', () => {
  test('verifies its receipts, and says what the last one says', { timeout: DEADLINE }, async () => {
    const page = await shown([await receiptOf(1), await receiptOf(2)]);
    expect(textOf(page, 'verified')).toBe('2 of 2 receipts verified just now, in this browser, without a network.');
    expect(textOf(page, 'verdict')).toBe('What was read is intact.');
    expect(page).toContain('is found with 99.03 %');
    expect(page).toContain('A sandbox, not a TEE');
  });

  test('names what is wrong, as text and not as markup', { timeout: DEADLINE }, async () => {
    const page = await shown([await receiptOf(1), await receiptOf(2, [CORRUPT])]);
    expect(textOf(page, 'verdict')).toBe('Something is wrong.');
    expect(page).toContain('a/&lt;b&gt;&amp;c');
  });

  test('a receipt that was changed, or that another key signed, is not believed', { timeout: DEADLINE }, async () => {
    const receipt = await receiptOf(1);
    const bent = receipt.slice();
    bent[bent.length - 1]! ^= 1;
    const page = await shown([receipt, bent]);
    expect(textOf(page, 'verdict')).toBe('1 of 2 receipts do not verify: do not believe this report.');
    const other = await shown([receipt], (text) => text.replace(fingerprint, '00'.repeat(32)));
    expect(textOf(other, 'verified')).toContain('0 of 1');
  });

  test('runs no script but its own, whatever a receipt says', { timeout: DEADLINE }, async () => {
    const evil = await receiptOf(1, [{ ...CORRUPT, path: '</script><script>document.title="evil"</script>' }]);
    const planted = (page: string) => page.replace('</body>', '<script>document.title = "planted"</script></body>');
    const page = await shown([evil], planted);
    expect(page).toContain('<title>Cloister: audit report</title>');
    // The control: without its policy the planted script runs.
    const open = await shown([evil], (text) => planted(text).replace(/<meta http-equiv[^>]*>/, ''));
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
    const page = await shown([await receiptOf(1, [long], '/a/very/long/name/of/a/store/'.repeat(6))], measured, 500);
    const [, width, room] = /<title>(\d+) of (\d+)<\/title>/.exec(page)!;
    expect(Number(width)).toBeLessThanOrEqual(Number(room));
  });
});
