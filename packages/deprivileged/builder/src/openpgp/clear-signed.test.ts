import { describe, expect, test } from 'vitest';
import { armor, certificate, clearSign, EPOCH, testKey } from '../../testing/openpgp-writer.ts';
import { unverifiedText, verifyClearSigned } from './clear-signed.ts';
import { signingKeys } from './keyring.ts';

const NOW = EPOCH + 1000;
const TEXT = 'Origin: Debian\n- dashed\n-----BEGIN\ntrailing \t\nend\n';
const primary = testKey('rsa');
const subkey = testKey('ed25519');
const stranger = testKey('ed25519');
const pins = new Set([primary.fingerprint]);
const keys = signingKeys(certificate(primary, { subkey }), pins);
const signed = (signer = subkey) => Buffer.from(clearSign(TEXT, [signer]));

function codeOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    return (error as { code: string }).code;
  }
  return 'none';
}

describe('RFC 4880 certificates', () => {
  test('a primary key and a bound subkey may sign', () => {
    expect(keys.map(({ key }) => key.fingerprint)).toEqual([primary.fingerprint, subkey.fingerprint]);
  });

  test('armored or binary is the same', () => {
    const armored = Buffer.from(armor('PUBLIC KEY BLOCK', certificate(primary, { subkey })));
    expect(signingKeys(armored, pins)).toHaveLength(2);
  });

  test.each([
    ['not pinned', certificate(stranger, { subkey }), 0],
    ['self-signature by another key', certificate(primary, { subkey, forger: stranger }), 0],
    ['revoked', certificate(primary, { subkey, revoked: true }), 0],
    ['a subkey without a back-signature', certificate(primary, { subkey, backSignature: false }), 1],
    ['a revoked subkey', certificate(primary, { subkey, subkeyRevoked: true }), 1],
  ])('%s', (_, bytes, count) => {
    expect(signingKeys(bytes, pins)).toHaveLength(count);
  });

  test('damaged packets are refused or left out, never thrown past', () => {
    const good = certificate(primary, { subkey });
    for (let index = 0; index < good.length; index += 7) {
      const bad = Buffer.from(good);
      bad[index] = bad[index]! ^ 0x55;
      const code = codeOf(() => signingKeys(bad, pins));
      expect(['none', 'malformed', 'truncated', 'unsupported', 'too-large']).toContain(code);
    }
  });
});

describe('RFC 4880, 7: clear-signed messages', () => {
  test.each([
    ['rsa', primary],
    ['ed25519', subkey],
  ] as const)('%s', (_, signer) => {
    const verified = verifyClearSigned(signed(signer), keys, NOW);
    expect(verified.signers).toEqual([primary.fingerprint]);
    expect(verified.text).toBe('Origin: Debian\n- dashed\n-----BEGIN\ntrailing\nend\n');
  });

  test('one good signature beside unknown ones is enough', () => {
    const text = Buffer.from(clearSign(TEXT, [stranger, subkey]));
    expect(verifyClearSigned(text, keys, NOW).signers).toEqual([primary.fingerprint]);
  });

  test.each([
    ['a stranger', signed(stranger), NOW, 'bad-signature'],
    ['a changed text', Buffer.from(signed().toString().replace('Debian', 'debian')), NOW, 'bad-signature'],
    ['SHA-1', Buffer.from(clearSign(TEXT, [subkey], { hash: 'sha1' })), NOW, 'bad-signature'],
    ['an expired signature', Buffer.from(clearSign(TEXT, [subkey], { expiresAfter: 10 })), NOW, 'expired'],
    ['a signature older than its key', Buffer.from(clearSign(TEXT, [subkey], { created: EPOCH - 1 })), NOW, 'expired'],
    ['text before', Buffer.concat([Buffer.from('Origin: Evil\n'), signed()]), NOW, 'malformed'],
    ['text after', Buffer.concat([signed(), Buffer.from('Origin: Evil\n')]), NOW, 'malformed'],
    ['an odd header', Buffer.from(signed().toString().replace('Hash: SHA512', 'Origin: Evil')), NOW, 'malformed'],
    ['no signature', Buffer.from(signed().toString().split('\n-----BEGIN PGP SIG')[0]!), NOW, 'malformed'],
    ['a truncated file', signed().subarray(0, -60), NOW, 'malformed'],
    ['nothing', new Uint8Array(0), NOW, 'malformed'],
  ])('%s', (_, message, now, code) => {
    expect(codeOf(() => verifyClearSigned(message, keys, now))).toBe(code);
  });

  test('a key that has ended signs no more', () => {
    const ended = signingKeys(certificate(primary, { subkey, keyExpiresAfter: 500 }), pins);
    expect(codeOf(() => verifyClearSigned(signed(), ended, NOW))).toBe('expired');
    expect(verifyClearSigned(signed(), ended, EPOCH + 400).signers).toHaveLength(1);
  });

  test('the unverified text is the same text', () => {
    expect(unverifiedText(signed(stranger))).toContain('Origin: Debian\n');
  });
});
