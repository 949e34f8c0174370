import { expect, test } from 'vitest';
import { describeFile } from '../session/file-description.ts';
import { memoryFile, tagInMemory } from '../testing/memory-file.ts';
import { schemeLaws } from '../testing/scheme-laws.ts';
import { seededPrimitives } from '../testing/seeded-primitives.ts';
import { macPdp } from './mac-pdp.ts';

schemeLaws('mac-pdp', { scheme: macPdp, blockBytes: 64 });

test('a loss is found as often as the challenge meets it', async () => {
  const primitives = seededPrimitives('mac-pdp detection');
  const scheme = macPdp(primitives);
  const keys = await scheme.keyGen();
  const [n, lost, c] = [40, 2, 8];
  const data = primitives.random(n * 16);
  const file = describeFile(primitives, { scheme: 'mac-pdp', version: 1, blockBytes: 16, length: data.length });
  const stored = await tagInMemory(scheme, keys, file, data);
  for (const block of [3, 31]) stored.data[block * 16]! ^= 1;
  const challenges = 2_000;
  let found = 0;
  for (let at = 0; at < challenges; at += 1) {
    const challenge = await scheme.challenge(keys.secret, stored.fileTag, { kind: 'sample', count: c });
    const proof = (await scheme.proof(keys.public, stored, challenge.message))!;
    if (!(await scheme.verify(keys.secret, stored.fileTag, challenge, proof)).accepted) found += 1;
  }
  let missed = 1;
  for (let at = 0; at < c; at += 1) missed *= (n - lost - at) / (n - at);
  const expected = (1 - missed) * challenges;
  expect(Math.abs(found - expected)).toBeLessThan(4 * Math.sqrt(expected * missed));
});

test.each([
  [true, 'control: with one salt for both, the old block passes for the new one'],
  [false, 'with a salt for each, it does not'],
])('a file tagged again (one salt: %s): %s', async (sameSalt) => {
  const primitives = seededPrimitives('mac-pdp retagging');
  const scheme = macPdp(primitives);
  const keys = await scheme.keyGen();
  const wish = { scheme: 'mac-pdp', version: 1, blockBytes: 64, length: 4 * 64 };
  const file = describeFile(primitives, wish);
  const old = await tagInMemory(scheme, keys, file, primitives.random(wish.length));
  const again = sameSalt ? file : describeFile(primitives, { ...wish, fileId: file.fileId });
  const stored = await tagInMemory(scheme, keys, again, primitives.random(wish.length));

  const lie = memoryFile(again, stored.data.slice(), stored.tagBytes.slice(), stored.fileTag);
  lie.data.set(old.block(2) as Uint8Array, 2 * 64);
  lie.tagBytes.set(old.tags(2 * 32, 32) as Uint8Array, 2 * 32);
  const challenge = await scheme.challenge(keys.secret, stored.fileTag, { kind: 'sample', count: 4 });
  const proof = (await scheme.proof(keys.public, lie, challenge.message))!;
  expect((await scheme.verify(keys.secret, stored.fileTag, challenge, proof)).accepted).toBe(sameSalt);
});
