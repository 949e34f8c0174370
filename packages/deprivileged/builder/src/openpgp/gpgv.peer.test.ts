import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { certificate, clearSign, testKey } from '../../testing/openpgp-writer.ts';
import { verifyClearSigned } from './clear-signed.ts';
import { signingKeys } from './keyring.ts';

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'gpgv-'));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const gpg = (...args: string[]) =>
  execFileSync('gpg', ['--homedir', directory, '--batch', '--quiet', '--passphrase', '', ...args], { timeout: 60_000 });
const gpgvAccepts = (keyring: string, file: string) =>
  spawnSync('gpgv', ['--homedir', directory, '--keyring', keyring, file], { timeout: 60_000 }).status === 0;

test.each(['rsa3072', 'ed25519'])('what gpg signs with %s, and only that, holds', (algorithm) => {
  const user = `${algorithm}@example.org`;
  gpg('--quick-generate-key', user, algorithm, 'cert', '1y');
  const fingerprint = /^fpr:+([0-9A-F]{40})/m.exec(gpg('--with-colons', '--list-keys', user).toString())![1]!;
  gpg('--quick-add-key', fingerprint, algorithm, 'sign', '1y');
  const keyring = join(directory, `${algorithm}.gpg`);
  writeFileSync(keyring, gpg('--export', fingerprint));
  const file = join(directory, `${algorithm}.txt`);
  writeFileSync(file, 'Origin: Debian \n- dash\n\n\tSHA256:\n  x\n');
  gpg('--clearsign', '--local-user', user, '--output', `${file}.asc`, file);
  const keys = signingKeys(readFileSync(keyring), new Set([fingerprint]));
  expect(keys).toHaveLength(1);
  const signed = readFileSync(`${file}.asc`);
  expect(gpgvAccepts(keyring, `${file}.asc`)).toBe(true);
  expect(verifyClearSigned(signed, keys, Date.now() / 1000).signers).toEqual([fingerprint]);
  const changed = Buffer.from(signed.toString('latin1').replace('Debian', 'debian'), 'latin1');
  writeFileSync(`${file}.bad`, changed);
  expect(gpgvAccepts(keyring, `${file}.bad`)).toBe(false);
  expect(() => verifyClearSigned(changed, keys, Date.now() / 1000)).toThrow();
});

test('gpgv accepts what the tests sign', () => {
  const primary = testKey('rsa');
  const subkey = testKey('ed25519');
  const keyring = join(directory, 'own.gpg');
  writeFileSync(keyring, certificate(primary, { subkey }));
  for (const signer of [primary, subkey]) {
    const file = join(directory, 'own.asc');
    writeFileSync(file, clearSign('a\n- b\n-c\n', [signer]));
    expect(gpgvAccepts(keyring, file)).toBe(true);
  }
});
