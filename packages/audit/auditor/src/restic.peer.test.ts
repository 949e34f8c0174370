import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type AuditContext, addStore, runAudit } from './index.ts';
import { enclaveHere, measuredHere } from './testing/enclave-here.ts';
import { type Laboratory, laboratory, noise } from './testing/laboratory.ts';

const BLOCK = 16 * 1024;
const DAY = 86_400_000;
let lab: Laboratory;
let own: Laboratory;
let now: number;
let context: AuditContext;

const restic = (...args: readonly string[]): string =>
  execFileSync('restic', ['--repo', lab.store, '--no-cache', ...args], {
    ...{ encoding: 'utf8', timeout: 60_000, stdio: ['ignore', 'pipe', 'pipe'] },
    env: { ...process.env, RESTIC_PASSWORD: 'secret', GOMAXPROCS: '2' },
  });
/** The longest pack, and how long it is. */
function pack(): { readonly path: string; readonly bytes: number } {
  const all = readdirSync(join(lab.store, 'data'), { recursive: true, withFileTypes: true, encoding: 'utf8' })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name).slice(lab.store.length + 1))
    .map((path) => ({ path, bytes: lab.read(path).length }));
  return all.sort((one, other) => other.bytes - one.bytes)[0]!;
}
function flip(path: string, at: number): void {
  chmodSync(join(lab.store, path), 0o600);
  lab.flip(path, at);
}

beforeEach(() => {
  own = laboratory();
  lab = laboratory();
  now = Date.UTC(2026, 10, 26);
  context = { startEnclave: enclaveHere(() => now), measureEnclave: measuredHere };
  restic('init');
  for (let at = 0; at < 6; at += 1) own.write(`file-${at}`, noise(700_000 + at, at + 1));
  restic('backup', own.store);
}, 60_000);
afterEach(() => {
  own.close();
  lab.close();
});

test('a flipped byte that restic does not see is found by reading all, and within one period', async () => {
  const added = await addStore(context, lab.store, { name: 'restic', period: 30 * DAY });
  expect(added).toMatchObject({ skipped: [], repositories: [{ kind: 'restic', root: '' }] });
  // All but its configuration.
  expect(added.total.contentHashObjects).toBe(added.total.objects - 1);

  const { path, bytes } = pack();
  const at = Math.floor(bytes / 2);
  flip(path, at);
  expect(restic('check')).toContain('no errors were found');
  expect(() => restic('check', '--read-data')).toThrow();
  const block = at - (at % BLOCK);
  const found = ({ wrong }: Awaited<ReturnType<typeof runAudit>>) =>
    wrong.map(({ finding, path: where, offset, blocks }) => [finding, where, offset, blocks]);
  const bad = [['corrupt', path, block, 1]];

  const days: unknown[] = [];
  for (let day = 1; day <= 30; day += 1) {
    now += DAY;
    days.push(...found(await runAudit(context, 'restic', { sample: 0 })));
  }
  expect(days).toEqual(bad);
  expect(found(await runAudit(context, 'restic', { all: true }))).toEqual(bad);
}, 120_000);

test('a pack that was changed before is told when it is added, and not audited', async () => {
  const { path, bytes } = pack();
  expect(path.endsWith(createHash('sha256').update(lab.read(path)).digest('hex'))).toBe(true);
  flip(path, bytes - 1);
  expect(await addStore(context, lab.store, { name: 'restic' })).toMatchObject({
    skipped: [{ path, why: 'It does not hold what its name says' }],
  });
  expect((await runAudit(context, 'restic', { all: true })).wrong).toEqual([]);
}, 60_000);
