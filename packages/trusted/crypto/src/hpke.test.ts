import { Aes256Gcm, CipherSuite, DhkemX25519HkdfSha256, HkdfSha256 } from '@hpke/core';
import { describe, expect, test } from 'vitest';
import { type HpkeAead, hpkeOpen, hpkeSeal, x25519Public } from './hpke.ts';
import { nodePrimitives } from './node-primitives.ts';

const hex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'hex'));
const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text));
const plain = bytes('Beauty is truth, truth beauty');
const context = { info: bytes('Ode on a Grecian Urn'), aad: bytes('Count-0') };

interface Vector {
  readonly section: string;
  readonly aead: HpkeAead;
  readonly skE: string;
  readonly skR: string;
  readonly pkR: string;
  readonly enc: string;
  readonly ct: string;
}

const VECTORS: readonly Vector[] = [
  {
    ...{ section: 'A.1.1', aead: 'aes-128-gcm' },
    skE: '52c4a758a802cd8b936eceea314432798d5baf2d7e9235dc084ab1b9cfa2f736',
    skR: '4612c550263fc8ad58375df3f557aac531d26850903e55a9f23f21d8534e8ac8',
    pkR: '3948cfe0ad1ddb695d780e59077195da6c56506b027329794ab02bca80815c4d',
    enc: '37fda3567bdbd628e88668c3c8d7e97d1d1253b6d4ea6d44c150f741f1bf4431',
    ct: 'f938558b5d72f1a23810b4be2ab4f84331acc02fc97babc53a52ae8218a355a96d8770ac83d07bea87e13c512a',
  },
  {
    ...{ section: 'A.2.1', aead: 'chacha20-poly1305' },
    skE: 'f4ec9b33b792c372c1d2c2063507b684ef925b8c75a42dbcbf57d63ccd381600',
    skR: '8057991eef8f1f1af18f4a9491d16a1ce333f695d4db8e38da75975c4478e0fb',
    pkR: '4310ee97d88cc1f088a5576c77ab0cf5c3ac797f3d95139c6c84b5429c59662a',
    enc: '1afa08d3dec047a643885163f1180476fa7ddb54c6a8029ea33f95796bf2ac4a',
    ct: '1c5250d8034ec2b784ba2cfd69dbdb8af406cfe3ff938e131f0def8c8b60b4db21993c62ce81883d2dd1b51a28',
  },
];

test.each(VECTORS)('HPKE is the vector of RFC 9180, $section', ({ aead, skE, skR, pkR, enc, ct }) => {
  expect(Buffer.from(x25519Public(hex(skR))).toString('hex')).toBe(pkR);
  const sealed = hpkeSeal(hex(pkR), hex(skE), plain, { ...context, aead })!;
  expect(Buffer.from(sealed.enc).toString('hex')).toBe(enc);
  expect(Buffer.from(sealed.sealed).toString('hex')).toBe(ct);
  expect(Buffer.from(hpkeOpen(hex(skR), sealed, { ...context, aead })!)).toEqual(Buffer.from(plain));
});

describe('HPKE with AES-256-GCM', () => {
  const secret = nodePrimitives.random(32);
  const publicKey = x25519Public(secret);
  const sealed = hpkeSeal(publicKey, nodePrimitives.random(32), plain, context)!;
  const suite = new CipherSuite({
    kem: new DhkemX25519HkdfSha256(),
    kdf: new HkdfSha256(),
    aead: new Aes256Gcm(),
  });
  const whole = (view: Uint8Array): ArrayBuffer => new Uint8Array(view).buffer as ArrayBuffer;

  test('is opened by @hpke/core, and opens what that seals', async () => {
    const { kem } = suite;
    const recipientKey = await kem.importKey('raw', whole(secret), false);
    const { enc } = sealed;
    const opened = await suite.open(
      { recipientKey, enc: whole(enc), info: whole(context.info) },
      whole(sealed.sealed),
      whole(context.aad),
    );
    expect(new Uint8Array(opened)).toEqual(plain);
    const theirs = await suite.seal(
      { recipientPublicKey: await kem.importKey('raw', whole(publicKey), true), info: whole(context.info) },
      whole(plain),
      whole(context.aad),
    );
    const back = hpkeOpen(secret, { enc: new Uint8Array(theirs.enc), sealed: new Uint8Array(theirs.ct) }, context);
    expect(Buffer.from(back!)).toEqual(Buffer.from(plain));
  });

  test('opens nothing that was changed by a bit, cut, or is for another key, purpose or context', () => {
    const flipped = (from: Uint8Array, bit: number): Uint8Array => {
      const changed = new Uint8Array(from);
      changed[bit >> 3]! ^= 1 << (bit & 7);
      return changed;
    };
    for (const part of ['enc', 'sealed'] as const)
      for (let bit = 0; bit < sealed[part].length * 8; bit += 1) {
        const changed = { ...sealed, [part]: flipped(sealed[part], bit) };
        expect(hpkeOpen(secret, changed, context), `${part}, bit ${bit}`).toBeUndefined();
      }
    for (let length = 0; length < sealed.sealed.length; length += 1)
      expect(hpkeOpen(secret, { ...sealed, sealed: sealed.sealed.subarray(0, length) }, context)).toBeUndefined();
    for (let length = 0; length < 40; length += length === 31 ? 2 : 1)
      expect(hpkeOpen(secret, { ...sealed, enc: new Uint8Array(length).fill(9) }, context)).toBeUndefined();
    expect(hpkeOpen(nodePrimitives.random(32), sealed, context)).toBeUndefined();
    expect(hpkeOpen(secret, sealed, { ...context, info: bytes('Ode') })).toBeUndefined();
    expect(hpkeOpen(secret, sealed, { ...context, aad: bytes('Count-1') })).toBeUndefined();
    expect(hpkeOpen(secret, sealed, { ...context, aead: 'chacha20-poly1305' })).toBeUndefined();
  });

  test('takes no point of small order, from either side', () => {
    // RFC 7748, 6.1: with these every shared secret is zero.
    const SMALL = [
      '00'.repeat(32),
      `01${'00'.repeat(31)}`,
      'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
      '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
      `ec${'ff'.repeat(30)}7f`,
      `ed${'ff'.repeat(30)}7f`,
      `ee${'ff'.repeat(30)}7f`,
    ];
    for (const point of SMALL) {
      expect(hpkeSeal(hex(point), nodePrimitives.random(32), plain, context), point).toBeUndefined();
      expect(hpkeOpen(secret, { ...sealed, enc: hex(point) }, context), point).toBeUndefined();
    }
  });
});
