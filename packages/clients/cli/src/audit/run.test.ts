import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { cloister } from '../testing/command.ts';

const folder = mkdtempSync(join(tmpdir(), 'cloister-run-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const env = { CLOISTER_HOME: join(folder, 'home'), CLOISTER_RUNTIME_DIR: join(folder, 'runtime') };

test('audits of one command leave one batch, which is verified and shown', { timeout: 60_000 }, async () => {
  const names = ['one', 'two'];
  for (const name of names) {
    mkdirSync(join(folder, name));
    writeFileSync(join(folder, name, 'file'), name.repeat(5000));
    expect(await cloister(['audit', 'add', join(folder, name), '--name', name], { env })).toMatchObject({ status: 0 });
  }
  expect(await cloister(['audit', 'run'], { env })).toMatchObject({ status: 0 });
  const files = names.map((name) => join(env.CLOISTER_HOME, 'state/audits', name, 'receipts/00000001.cose'));
  const verified = await cloister(['verify', ...files], { env });
  expect(verified).toMatchObject({ status: 0, stderr: '' });
  expect(verified.stdout.match(/receipt \d of 2 in a batch, whose head is signed by "two"/g)).toHaveLength(2);
  const page = join(folder, 'report.html');
  expect(await cloister(['audit', 'report', '--html', page], { env })).toMatchObject({ status: 0 });
  expect(readFileSync(page, 'utf8')).toContain(readFileSync(files[0]!).toString('base64'));
});
