import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { appendFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type AuditContext, addStore, runAudit, syncStore } from './index.ts';
import { enclaveHere, measuredHere } from './testing/enclave-here.ts';
import { type Laboratory, laboratory } from './testing/laboratory.ts';

const context: AuditContext = { startEnclave: enclaveHere(), measureEnclave: measuredHere };
let lab: Laboratory;
beforeEach(() => {
  lab = laboratory();
});
afterEach(() => lab.close());

const borg = (...args: readonly string[]): string =>
  execFileSync('borg', args, {
    ...{ encoding: 'utf8', timeout: 60_000, stdio: 'pipe' },
    env: { ...process.env, BORG_BASE_DIR: join(lab.home, 'borg'), BORG_PASSPHRASE: 'x' },
  });

test.each(['none', 'repokey-blake2', 'authenticated'])(
  "borg's own segments have their checksums, and one that is damaged is not tagged: %s",
  async (encryption) => {
    const source = join(lab.home, 'source');
    const repository = join(lab.store, 'backups/repo');
    execFileSync('mkdir', ['-p', source, repository]);
    writeFileSync(join(source, 'noise'), randomBytes(3_000_000));
    writeFileSync(join(source, 'text'), 'the same again\n'.repeat(100_000));
    borg('init', '-e', encryption, repository);
    borg('create', `${repository}::one`, source);
    appendFileSync(join(source, 'text'), 'more\n');
    borg('create', `${repository}::two`, source);
    borg('delete', `${repository}::one`);
    borg('compact', repository);

    const segments = lab.stored().filter((path) => /\/data\/\d+\/\d+$/.test(path));
    expect(segments.length).toBeGreaterThan(2);
    const [damaged] = segments
      .map((path) => ({ path, bytes: lab.read(path).length }))
      .sort((one, other) => other.bytes - one.bytes);
    lab.flip(damaged!.path, Math.floor(damaged!.bytes / 2));
    const added = await addStore(context, lab.store, { name: 'lab' });
    expect(added.repositories).toEqual([{ kind: 'borg', root: 'backups/repo/' }]);
    expect(added.skipped).toEqual([{ path: damaged!.path, why: expect.stringContaining('checksum') }]);
    expect(await runAudit(context, 'lab', { all: true })).toMatchObject({ wrong: [] });

    lab.flip(damaged!.path, Math.floor(damaged!.bytes / 2));
    expect(await syncStore(context, 'lab', {})).toMatchObject({ objects: 1, skipped: [] });
    expect(await runAudit(context, 'lab', { all: true })).toMatchObject({ wrong: [] });
    borg('check', repository);
  },
  120_000,
);
