import { describe, expect, test } from 'vitest';
import { aes256Gcm, NONCE_BYTES, sha256, TAG_BYTES } from './index.ts';

const hex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'hex'));

test('SHA-256 of "abc" (FIPS 180-2, appendix B.1)', () => {
  const expected = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad';
  expect(Buffer.from(sha256(Buffer.from('abc'))).toString('hex')).toBe(expected);
});

describe('AES-256-GCM', () => {
  const nonce = new Uint8Array(NONCE_BYTES);
  const gcm = aes256Gcm(new Uint8Array(32));

  test('is test case 14 of its specification (McGrew and Viega, appendix B)', () => {
    const out = new Uint8Array(16 + TAG_BYTES);
    gcm.seal(nonce, new Uint8Array(16), out);
    expect(out).toEqual(hex('cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919'));
    expect(new Uint8Array(gcm.open(nonce, out)!)).toEqual(new Uint8Array(16));
  });

  test('opens nothing that was changed by a bit anywhere, cut, or sealed with another nonce or key', () => {
    const sealed = new Uint8Array(64 + TAG_BYTES);
    gcm.seal(nonce, new Uint8Array(64).fill(7), sealed);
    for (let bit = 0; bit < sealed.length * 8; bit += 1) {
      const changed = sealed.slice();
      changed[bit >> 3]! ^= 1 << (bit & 7);
      expect(gcm.open(nonce, changed)).toBeUndefined();
    }
    for (let length = 0; length < sealed.length; length += 1)
      expect(gcm.open(nonce, sealed.subarray(0, length))).toBeUndefined();
    expect(gcm.open(new Uint8Array(NONCE_BYTES).fill(1), sealed)).toBeUndefined();
    expect(aes256Gcm(new Uint8Array(32).fill(1)).open(nonce, sealed)).toBeUndefined();
  });

  test('takes bytes of a shared memory', () => {
    const shared = new Uint8Array(new SharedArrayBuffer(4096)).fill(3);
    const sealed = new Uint8Array(4096 + TAG_BYTES);
    gcm.seal(nonce, shared, sealed);
    expect(new Uint8Array(gcm.open(nonce, sealed)!)).toEqual(new Uint8Array(4096).fill(3));
  });

  test('refuses a key of another length', () => {
    expect(() => aes256Gcm(new Uint8Array(16))).toThrow(RangeError);
  });
});
