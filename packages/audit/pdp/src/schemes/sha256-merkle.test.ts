import { describe, expect, test } from 'vitest';
import { describeFile } from '../session/file-description.ts';
import { memoryFile, tagInMemory } from '../testing/memory-file.ts';
import { schemeLaws } from '../testing/scheme-laws.ts';
import { seededPrimitives } from '../testing/seeded-primitives.ts';
import { sha256Merkle } from './sha256-merkle.ts';

schemeLaws('sha256-merkle', { scheme: sha256Merkle, blockBytes: 64 });

describe('the tree that Tag writes', () => {
  const primitives = seededPrimitives('sha256-merkle 1');
  const scheme = sha256Merkle(primitives);

  test.each([1, 2, 3, 7, 64, 1000])('of %i blocks gives the paths of all of them', async (blocks) => {
    const keys = await scheme.keyGen();
    const data = primitives.random(blocks * 32 - 5);
    const file = describeFile(primitives, { scheme: 'sha256-merkle', version: 1, blockBytes: 32, length: data.length });
    const stored = await tagInMemory(scheme, keys, file, data);
    expect(stored.tagBytes.length).toBe(96 * blocks);
    for (const count of [1, 5, 460]) {
      const challenge = await scheme.challenge(keys.public, stored.fileTag, { kind: 'sample', count });
      const proof = (await scheme.proof(keys.public, stored, challenge.message))!;
      expect((await scheme.verify(keys.public, stored.fileTag, challenge, proof)).accepted).toBe(true);
    }
  });

  test('is believed by nobody', async () => {
    const keys = await scheme.keyGen();
    const data = primitives.random(20 * 32);
    const file = describeFile(primitives, { scheme: 'sha256-merkle', version: 1, blockBytes: 32, length: data.length });
    const stored = await tagInMemory(scheme, keys, file, data);
    const challenge = await scheme.challenge(keys.public, stored.fileTag, { kind: 'sample', count: 7 });
    const honest = (await scheme.proof(keys.public, stored, challenge.message))!;
    let refused = 0;
    for (let at = 0; at < stored.tagBytes.length; at += 7) {
      const bent = memoryFile(file, data, stored.tagBytes.slice(), stored.fileTag);
      bent.tagBytes[at]! ^= 1 << (at & 7);
      const proof = await scheme.proof(keys.public, bent, challenge.message).catch((error: { code?: string }) => {
        expect(error.code).toBe('structure');
        refused += 1;
        return undefined;
      });
      // Bytes that no path needs may be wrong unseen.
      if (proof === undefined) continue;
      const { accepted } = await scheme.verify(keys.public, stored.fileTag, challenge, proof);
      expect(accepted, `byte ${at}`).toBe(Buffer.compare(proof, honest) === 0);
    }
    expect(refused).toBeGreaterThan(0);
  });

  test('a node does not pass for a block', async () => {
    // Without marks and ranks (as in Filecoin's tree of unmarked hashes) 64 bytes of two children's digests are a leaf of a lower tree.
    const keys = await scheme.keyGen();
    const data = primitives.random(4 * 64);
    const file = describeFile(primitives, { scheme: 'sha256-merkle', version: 1, blockBytes: 64, length: data.length });
    const stored = await tagInMemory(scheme, keys, file, data);
    const challenge = await scheme.challenge(keys.public, stored.fileTag, { kind: 'list', indices: [0] });
    const proof = (await scheme.proof(keys.public, stored, challenge.message))!;
    const shorter = new Uint8Array([
      ...stored.tagBytes.slice(16, 48),
      ...stored.tagBytes.slice(64, 96),
      ...proof.slice(-33),
    ]);
    expect((await scheme.verify(keys.public, stored.fileTag, challenge, proof)).accepted).toBe(true);
    expect((await scheme.verify(keys.public, stored.fileTag, challenge, shorter)).accepted).toBe(false);
  });
});
