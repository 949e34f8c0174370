import { createHmac, randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { aes256Gcm, isHmacSha256, NONCE_BYTES, nodePrimitives, sha256, TAG_BYTES } from './index.ts';

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

describe('HMAC-SHA256', () => {
  test('is test cases 1, 2, 6 and 7 of RFC 4231', () => {
    const cases = [
      ['0b'.repeat(20), 'Hi There', 'b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7'],
      [
        Buffer.from('Jefe').toString('hex'),
        'what do ya want for nothing?',
        '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
      ],
      [
        'aa'.repeat(131),
        'Test Using Larger Than Block-Size Key - Hash Key First',
        '60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54',
      ],
      [
        'aa'.repeat(131),
        'This is a test using a larger than block-size key and a larger than block-size data. The key needs to be hashed before being used by the HMAC algorithm.',
        '9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2',
      ],
    ] as const;
    for (const [key, text, expected] of cases)
      expect(nodePrimitives.hmacSha256(hex(key))(Buffer.from(text))).toEqual(hex(expected));
  });

  test("is what Node's own object for it makes, for keys and texts of all lengths, in parts and in one", () => {
    for (const keyBytes of [0, 1, 32, 63, 64, 65, 200]) {
      const key = randomBytes(keyBytes);
      const code = nodePrimitives.hmacSha256(key);
      for (const length of [0, 1, 55, 56, 64, 119, 4096, 16_384 + 8, 17 * 1024, 17 * 1024 + 1, 100_000]) {
        const text = randomBytes(length);
        const expected = new Uint8Array(createHmac('sha256', key).update(text).digest());
        const cut = Math.floor(length / 3);
        expect(code(text)).toEqual(expected);
        expect(code(text.subarray(0, cut), new Uint8Array(0), text.subarray(cut))).toEqual(expected);
        expect(isHmacSha256(key, text, expected.subarray(0, 16))).toBe(true);
      }
    }
  });

  test('two keys are used in turn, and what was given is not kept', () => {
    const [one, two] = [randomBytes(32), randomBytes(32)];
    const [first, second] = [nodePrimitives.hmacSha256(one), nodePrimitives.hmacSha256(two)];
    const text = randomBytes(100);
    const before = first(text);
    const other = second(text);
    expect(before).not.toEqual(other);
    one.fill(0);
    expect(first(text)).toEqual(before);
  });
});
