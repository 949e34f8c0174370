import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { cloister, start } from '../../testing/command.ts';

const folder = mkdtempSync(join(tmpdir(), 'cloister-steps-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const at = (name: string): string => join(folder, name);
const step = (...args: string[]) => cloister(['audit', ...args]);

test('the five functions one after the other, as the help shows them', async () => {
  const [key, file] = [at('K'), at('FILE')];
  writeFileSync(file, Buffer.alloc(100_000, 7));
  const ok = async (...args: string[]): Promise<string> => {
    const { status, stdout, stderr } = await step(...args);
    expect({ args, status, stderr }).toEqual({ args, status: 0, stderr: '' });
    return stdout;
  };
  expect(await ok('keygen', '--scheme', 'cpor-private', '--out', key)).toBe(`${key}.secret\n${key}.public\n`);
  expect(statSync(`${key}.secret`).mode & 0o777).toBe(0o600);
  expect(await ok('tag', '--key', `${key}.secret`, '--block-size', '4k', file)).toBe(`${file}.tags\n${file}.tau\n`);
  expect(await ok('challenge', '--key', `${key}.secret`, `${file}.tau`, '--range', '0-24')).toBe(
    `${file}.challenge\n${file}.asked\n`,
  );
  expect(await ok('prove', '--public', `${key}.public`, file)).toBe(`${file}.proof\n`);
  const verify = ['verify', '--key', `${key}.secret`, `${file}.tau`, `${file}.asked`, `${file}.proof`];
  expect(await ok(...verify)).toBe('accepted\n');

  const changed = readFileSync(file);
  changed[50_000] = 8;
  writeFileSync(file, changed);
  await ok('prove', '--public', `${key}.public`, file);
  expect(await step(...verify)).toEqual({ status: 1, stdout: 'not accepted: wrong proof\n', stderr: '' });
  expect(JSON.parse((await step(...verify, '--json')).stdout)).toEqual({
    schema: 1,
    accepted: false,
    reason: 'wrong proof',
  });
}, 30_000);

test('all schemes are listed', async () => {
  const { stdout } = await step('schemes');
  for (const name of ['a-pdp', 'gmac-cpor', 'sha256-merkle']) expect(stdout).toContain(`\n${name}`);
  expect(stdout).toContain('BROKEN');
  const { schemes } = JSON.parse((await step('schemes', '--json')).stdout) as { schemes: { name: string }[] };
  expect(schemes.map(({ name }) => name)).toContain('cpor-public');
});

describe('bad input gets one line that says what to do, and 125', () => {
  test.each([
    ['a scheme that there is not', ['keygen', '--scheme', 'rsa', '--out', at('x')], /no scheme "rsa".*audit schemes/],
    ['a weak modulus', ['keygen', '--scheme', 'a-pdp', '--bits', '1024', '--out', at('x')], /3072 to 4096 bits/],
    ['a broken scheme', ['keygen', '--scheme', 'e-pdp', '--out', at('x')], /e-pdp/],
    ['no key', ['tag', '--key', at('nothing'), at('file')], /Cannot read/],
    ['blocks in two ways', ['challenge', '--key', at('x'), at('t'), '--count', '3', '--token', '1'], /in one way/],
    ['blocks that are none', ['challenge', '--key', at('x'), at('t'), '--range', '9-3'], /"9-3" names no blocks/],
    [
      'a block size that is none',
      ['tag', '--key', at('x'), '--block-size', 'big', at('f')],
      /"big" is no size for --block-size/,
    ],
  ])('%s', async (_what, args, line) => {
    const { status, stdout, stderr } = await step(...args);
    expect(stderr).toMatch(/^cloister: [^\n]+\n$/);
    expect(stderr).toMatch(line);
    expect({ status, stdout }).toEqual({ status: 125, stdout: '' });
  });
});

test('a prover beside the data answers what was asked step by step', async () => {
  const [key, file] = [at('P'), at('served')];
  writeFileSync(file, Buffer.alloc(70_000, 9));
  for (const args of [
    ['keygen', '--scheme', 'gmac-cpor', '--out', key],
    ['tag', '--key', `${key}.secret`, file],
    ['challenge', '--key', `${key}.secret`, `${file}.tau`],
  ])
    expect((await step(...args)).status).toBe(0);
  const prover = start(['audit', 'prover', folder, '--listen', '127.0.0.1:0', '--public', `${key}.public`]);
  await prover.seen('\n');
  const said = /^Proofs of .* at (http:\/\/127\.0\.0\.1:\d+)\n$/.exec(prover.stdout());
  const reply = await fetch(`${said![1]}/prove/served`, {
    method: 'POST',
    headers: { 'content-type': 'application/cbor' },
    body: readFileSync(`${file}.challenge`),
    signal: AbortSignal.timeout(10_000),
  });
  writeFileSync(`${file}.proof`, Buffer.from(await reply.arrayBuffer()));
  const verified = await step('verify', '--key', `${key}.secret`, `${file}.tau`, `${file}.asked`, `${file}.proof`);
  expect(verified).toEqual({ status: 0, stdout: 'accepted\n', stderr: '' });
  prover.process.kill('SIGTERM');
  expect((await prover.finished).status).toBe(0);
}, 30_000);
