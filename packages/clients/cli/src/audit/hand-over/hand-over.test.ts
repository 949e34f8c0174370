import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { cloister } from '../../testing/command.ts';

const folder = mkdtempSync(join(tmpdir(), 'cloister-hand-over-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const at = (name: string): string => join(folder, name);
const DEADLINE = 120_000;

/** Two users, each with a place and enclaves of his own. */
const machine =
  (name: string) =>
  (...args: readonly string[]) =>
    cloister(['audit', ...args], {
      env: { CLOISTER_HOME: at(`${name}-home`), CLOISTER_RUNTIME_DIR: at(`${name}-run`) },
    });
const [yours, there] = [machine('yours'), machine('there')];
const ok = async (what: ReturnType<typeof yours>): Promise<string> => {
  const { status, stdout, stderr } = await what;
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return stdout;
};
/** One clear line, and what it says. */
const refused = async (what: ReturnType<typeof yours>): Promise<string> => {
  const { status, stdout, stderr } = await what;
  expect({ status, stdout }).toEqual({ status: 125, stdout: '' });
  expect(stderr.trimEnd()).not.toContain('\n');
  return stderr;
};

beforeAll(() => {
  for (const name of ['yours-run', 'there-run']) mkdirSync(at(name), { mode: 0o700 });
  mkdirSync(at('data'));
  writeFileSync(at('data/file'), Buffer.alloc(100_000, 7));
});

test(
  'an audit goes to another machine, as the help shows it',
  async () => {
    const [policy, offer, handed] = [at('policy.json'), at('offer'), at('handed')];
    await ok(there('policy', '--out', policy));
    await ok(yours('add', at('data'), '--name', 'backups'));
    const nonce = /--nonce ([0-9a-f]{64})\n/.exec(await ok(yours('hand-over', 'backups')))![1]!;
    const offered = await ok(there('offer', '--name', 'away', '--nonce', nonce, '--out', offer));
    const key = /signed with the key ([0-9a-f]{64})\n/.exec(offered)![1]!;
    expect(await ok(there('ls'))).toBe('away: an offer, which waits for what its owner hands over\n');
    const give = ['hand-over', 'backups', '--offer', offer, '--policy', policy, '--out', handed];
    expect(await refused(yours(...give))).toMatch(/refused: its root is "software".*--key/);
    expect(await refused(yours(...give, '--key', '0'.repeat(64)))).toContain('not with the one that was given');
    expect(await ok(yours(...give, '--key', key))).toContain(`signed with the key ${key}`);
    expect(await refused(yours(...give, '--key', key))).toContain('No nonce of "backups" waits');
    expect(await ok(there('take-over', handed))).toContain('away: 1 file, 97.7 KiB of');
    expect(await refused(there('take-over', handed))).toContain('handed to no offer that waits here');
    expect(await ok(there('run', '--all'))).toBe('intact      away: 7 of 7 blocks read (97.7 KiB)\n');
    expect(await ok(there('rm', 'away'))).toBe('');
  },
  DEADLINE,
);

test.each([
  ['a nonce that is none', ['offer', '--nonce', 'abc'], /"abc" is no nonce.*64 hexadecimal digits/],
  ['no nonce', ['offer'], /--nonce/],
  ['an audit that there is not', ['hand-over', 'nonesuch'], /There is no audit "nonesuch"/],
  ['a bundle that there is not', ['take-over', at('nonesuch')], /is nothing that was handed over/],
  ['an age that is none', ['policy', '--max-age', 'old'], /"old" is not a duration/],
  ['a name that is none', ['offer', '--nonce', '0'.repeat(64), '--name', '../x'], /cannot be an audit's name/],
])(
  '%s is one clear line',
  async (_what, args, line) => {
    expect(await refused(there(...args))).toMatch(line);
  },
  DEADLINE,
);

test(
  'what is given beside an offer is checked before anything is done',
  async () => {
    await ok(yours('add', at('data'), '--name', 'checked'));
    const give = (...args: readonly string[]) => refused(yours('hand-over', 'checked', ...args));
    const [odd, policy] = [at('odd'), at('odd.json')];
    writeFileSync(odd, 'no offer');
    writeFileSync(policy, '{"schema":1}');
    expect(await give('--policy', policy)).toContain('no offer to give keys to');
    expect(await give('--offer', odd)).toContain('No policy says who may have the keys');
    expect(await give('--offer', odd, '--policy', policy)).toContain('is no policy');
    expect(await give('--offer', at('none'), '--policy', policy)).toContain('Cannot read');
    expect(await give('--offer', at('data'), '--policy', policy)).toContain('is no file, or too long');
    expect(await give('--offer', odd, '--policy', policy, '--key', 'ab')).toContain('is no fingerprint of a key');
  },
  DEADLINE,
);
