import { expect, test } from 'vitest';
import { nodePrimitives } from './index.ts';
import { webPrimitives } from './web-primitives.ts';

const bytes = (length: number, first = 1): Uint8Array => Uint8Array.from({ length }, (_, at) => (first + 7 * at) & 255);
const key = bytes(32, 9);
const plain = (value: Uint8Array): Uint8Array => new Uint8Array(value);

test('WebCrypto and OpenSSL give the same bytes', async () => {
  const both = async (what: (primitives: typeof webPrimitives) => Uint8Array | Promise<Uint8Array>) =>
    expect(plain(await what(webPrimitives))).toEqual(plain(await what(nodePrimitives)));
  for (const length of [0, 1, 100, 70_000]) {
    await both((p) => p.sha256(bytes(length), bytes(3)));
    await both((p) => {
      const hash = p.sha256InParts();
      for (const part of [bytes(length), bytes(3)]) hash.update(part);
      return hash.digest();
    });
    await both((p) => p.hmacSha256(key)(bytes(length), bytes(5)));
    await both((p) => p.gmac(key)(bytes(12), bytes(length)));
    await both((p) => p.aes256Ctr(key, bytes(16), length));
  }
  // The counter runs over.
  await both((p) => p.aes256Ctr(key, new Uint8Array(16).fill(255), 48));
  await both((p) => p.aes256Blocks(key, bytes(160)));
});

test('signatures of one verify with the other', async () => {
  const message = bytes(50);
  for (const [signer, verifier] of [
    [webPrimitives, nodePrimitives],
    [nodePrimitives, webPrimitives],
  ] as const) {
    const pair = await signer.ed25519.generate();
    const signature = await signer.ed25519.sign(pair.secret, message);
    expect(await verifier.ed25519.verify(pair.public, message, signature)).toBe(true);
    expect(await verifier.ed25519.verify(pair.public, bytes(51), signature)).toBe(false);
  }
});

test('random bytes are as many as wanted, and not the same twice', () => {
  expect(webPrimitives.random(200_000).length).toBe(200_000);
  expect(webPrimitives.random(32)).not.toEqual(webPrimitives.random(32));
});

test('equality, and what there is not', async () => {
  expect(webPrimitives.equal(bytes(5), bytes(5))).toBe(true);
  expect(webPrimitives.equal(bytes(5), bytes(5, 2))).toBe(false);
  expect(webPrimitives.equal(bytes(5), bytes(6))).toBe(false);
  expect(() => webPrimitives.modulus(bytes(64))).toThrow('no modular exponentiation');
  await expect(webPrimitives.prime(512, 'any')).rejects.toThrow('no modular exponentiation');
});
