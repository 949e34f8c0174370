import { createPublicKey, verify } from 'node:crypto';
import { decode } from 'cborg';
import { describe, expect, test } from 'vitest';
import { verifyReceipt } from './index.ts';
import { testSigner } from './testing/test-signer.ts';

const ONE = testSigner();

const { claims, fingerprint, publicKey } = ONE;
const made = (): Promise<Uint8Array> => ONE.receipt(3);

describe('a receipt', () => {
  test('says what was claimed, to who knows the key and to who does not', async () => {
    const receipt = await made();
    expect(verifyReceipt(receipt)).toEqual({ ok: true, claims: claims(3), fingerprint });
    expect(verifyReceipt(receipt, fingerprint)).toMatchObject({ ok: true });
    expect(verifyReceipt(receipt, 'ab'.repeat(32))).toEqual({ ok: false, flaw: 'another key' });
  });

  test('is COSE_Sign1 as RFC 9052 has it: put together anew from its parts, OpenSSL verifies it', async () => {
    const receipt = await made();
    expect(receipt[0]).toBe(0xd2);
    const [header, unprotectedHeader, payload, signature] = decode(receipt.subarray(1)) as [
      Uint8Array,
      object,
      Uint8Array,
      Uint8Array,
    ];
    expect(unprotectedHeader).toEqual({});
    const bstr = (bytes: Uint8Array) => {
      const head = Buffer.from([0x59, bytes.length >> 8, bytes.length & 255]);
      return Buffer.concat([
        bytes.length < 24
          ? Buffer.from([0x40 + bytes.length])
          : bytes.length < 256
            ? Buffer.from([0x58, bytes.length])
            : head,
        bytes,
      ]);
    };
    const structure = Buffer.concat([
      Buffer.from([0x84, 0x6a]),
      Buffer.from('Signature1'),
      bstr(header),
      Buffer.from([0x40]),
      bstr(payload),
    ]);
    const spki = Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), publicKey]);
    const key = createPublicKey({ key: spki, format: 'der', type: 'spki' });
    expect(verify(null, structure, key, signature)).toBe(true);
  });

  test('is believed to the bit', async () => {
    const receipt = await made();
    for (let at = 0; at < receipt.length; at += 1) {
      const bent = receipt.slice();
      bent[at]! ^= 1 << (at & 7);
      expect(verifyReceipt(bent, fingerprint).ok, `byte ${at}`).toBe(false);
    }
    for (let length = 0; length < receipt.length; length += 1)
      expect(verifyReceipt(receipt.subarray(0, length)).ok).toBe(false);
    expect(verifyReceipt(new Uint8Array([...receipt, 0])).ok).toBe(false);
  });
});
