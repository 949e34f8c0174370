import { nodePrimitives, type Primitives } from '@cloister/crypto';
import { describe, expect, test } from 'vitest';
import { describeFile } from '../session/file-description.ts';
import { withFixedPrimes } from '../testing/fixed-primes.ts';
import { tagInMemory } from '../testing/memory-file.ts';
import { schemeLaws } from '../testing/scheme-laws.ts';
import { aPdp, ePdp } from './a-pdp.ts';

const small = { modulusBits: 512, insecure: true };
schemeLaws('a-pdp', { scheme: (primitives) => aPdp(withFixedPrimes(primitives)), blockBytes: 64, keys: small });
schemeLaws('e-pdp', {
  scheme: (primitives: Primitives) => ePdp(withFixedPrimes(primitives)),
  blockBytes: 64,
  keys: small,
  orderUnseen: true,
});

describe('keys', () => {
  const scheme = aPdp(withFixedPrimes(nodePrimitives));

  test('of 3072 bits are the default, and blocks may be longer or shorter than they', { timeout: 30_000 }, async () => {
    const found: number[] = [];
    const keys = await scheme.keyGen({ onProgress: (primes) => found.push(primes) });
    expect(found).toEqual([1, 2, 3]);
    for (const blockBytes of [16, 5000]) {
      const data = nodePrimitives.random(3 * blockBytes + 5);
      const file = describeFile(nodePrimitives, { scheme: 'a-pdp', version: 1, blockBytes, length: data.length });
      const stored = await tagInMemory(scheme, keys, file, data);
      expect(stored.tagBytes.length).toBe(4 * 384);
      const challenge = await scheme.challenge(keys.secret, stored.fileTag, { kind: 'sample', count: 3 });
      const proof = (await scheme.proof(keys.public, stored, challenge.message))!;
      expect(proof.length).toBe(384 + 32);
      expect(await scheme.verify(keys.secret, stored.fileTag, challenge, proof)).toEqual({ accepted: true });
    }
  });

  test('of primes that are searched for verify, too', async () => {
    const fresh = aPdp(nodePrimitives);
    const keys = await fresh.keyGen(small);
    const file = describeFile(nodePrimitives, { scheme: 'a-pdp', version: 1, blockBytes: 64, length: 100 });
    const stored = await tagInMemory(fresh, keys, file, nodePrimitives.random(100));
    const challenge = await fresh.challenge(keys.secret, stored.fileTag, { kind: 'sample', count: 2 });
    const proof = (await fresh.proof(keys.public, stored, challenge.message))!;
    expect(await fresh.verify(keys.secret, stored.fileTag, challenge, proof)).toEqual({ accepted: true });
  });

  test('of fewer bits, and E-PDP, are for comparison only', async () => {
    for (const modulusBits of [512, 1024, 2048, 3071, 4160])
      await expect(scheme.keyGen({ modulusBits })).rejects.toMatchObject({ code: 'parameter' });
    for (const modulusBits of [448, 513, Number.NaN])
      await expect(scheme.keyGen({ modulusBits, insecure: true })).rejects.toMatchObject({ code: 'parameter' });
    await expect(ePdp(nodePrimitives).keyGen()).rejects.toMatchObject({ code: 'parameter' });
  });

  test('with any bit changed are none, or of another session', { timeout: 30_000 }, async () => {
    const keys = await scheme.keyGen(small);
    const file = describeFile(nodePrimitives, { scheme: 'a-pdp', version: 1, blockBytes: 64, length: 100 });
    const stored = await tagInMemory(scheme, keys, file, nodePrimitives.random(100));
    const challenge = await scheme.challenge(keys.secret, stored.fileTag, { kind: 'sample', count: 2 });
    const proof = (await scheme.proof(keys.public, stored, challenge.message))!;
    for (let at = 0; at < keys.secret.length; at += 1) {
      const secret = keys.secret.slice();
      secret[at]! ^= 1 << (at & 7);
      const verdict = await scheme.verify(secret, stored.fileTag, challenge, proof).catch(({ code }) => code);
      expect(['key', { accepted: false, reason: 'file tag' }]).toContainEqual(verdict);
    }
    // Behind N lies g, which a prover has no use for.
    const modulusAt = Buffer.from(keys.public).indexOf('modulus') + 'modulus'.length;
    for (let at = 0; at < modulusAt + 2 + 64; at += 1) {
      const bent = keys.public.slice();
      bent[at]! ^= 1 << (at & 7);
      const answer = await scheme.proof(bent, stored, challenge.message).catch(({ code }) => code);
      if (answer instanceof Uint8Array)
        expect((await scheme.verify(keys.secret, stored.fileTag, challenge, answer)).accepted).toBe(false);
      else expect(['key', undefined]).toContain(answer);
    }
  });
});
