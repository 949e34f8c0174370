import { nodePrimitives } from '@cloister/crypto';
import { describe, expect, test } from 'vitest';
import type { BlockChange } from '../scheme.ts';
import { describeFile } from '../session/file-description.ts';
import { dynamicLaws } from '../testing/dynamic-laws.ts';
import { withFixedPrimes } from '../testing/fixed-primes.ts';
import { blockList, tagInMemory } from '../testing/memory-file.ts';
import { schemeLaws } from '../testing/scheme-laws.ts';
import { flexDpdp } from './flex-dpdp.ts';

const settings = {
  scheme: (primitives: Parameters<typeof flexDpdp>[0]) => flexDpdp(withFixedPrimes(primitives)),
  blockBytes: 64,
  keys: { modulusBits: 512, insecure: true },
};
schemeLaws('flex-dpdp', settings);
dynamicLaws('flex-dpdp', { ...settings, provesUpdates: true });

describe('what a FlexList adds', async () => {
  const scheme = flexDpdp(withFixedPrimes(nodePrimitives));
  const keys = await scheme.keyGen(settings.keys);
  const block = (length: number): Uint8Array => nodePrimitives.random(length);

  async function server(blocks: number) {
    const data = block(blocks * 64);
    const wish = { scheme: 'flex-dpdp', version: 1, blockBytes: 64, length: data.length };
    const stored = await tagInMemory(scheme, keys, describeFile(nodePrimitives, wish), data);
    const each = Array.from({ length: blocks }, (_, at) => at);
    const list = blockList({
      fileTag: stored.fileTag,
      blocks: each.map((at) => data.subarray(at * 64, (at + 1) * 64)),
      tagList: each.map((at) => stored.tagBytes.subarray(at * 65, (at + 1) * 65)),
      records: [],
    });
    await scheme.build(keys.public, list);
    return list;
  }
  const changes: readonly BlockChange[] = [
    { kind: 'insert', index: 0, block: block(10) },
    { kind: 'delete', index: 5 },
    { kind: 'insert', index: 9, block: block(3) },
    { kind: 'modify', index: 1, block: block(1) },
    { kind: 'insert', index: 2, block: block(64) },
  ];

  test('many changes are one update with one proof, shorter than theirs one by one', async () => {
    const one = await server(20);
    const message = await scheme.prepareUpdates(keys.secret, one.fileTag, changes);
    const proof = (await scheme.performUpdate(keys.public, one, message))!;
    const after = await scheme.verifyUpdate(keys.secret, one.fileTag, message, proof);
    if (!after.accepted) throw new Error(after.reason);
    one.fileTag = after.fileTag;

    let apart = 0;
    const other = await server(20);
    for (const change of changes) {
      const single = await scheme.prepareUpdate(keys.secret, other.fileTag, change);
      const part = (await scheme.performUpdate(keys.public, other, single))!;
      apart += part.length;
      const verdict = await scheme.verifyUpdate(keys.secret, other.fileTag, single, part);
      if (!verdict.accepted) throw new Error(verdict.reason);
      other.fileTag = verdict.fileTag;
    }
    expect(proof.length).toBeLessThan(apart);
    expect(await scheme.blocks(keys.public, one.fileTag)).toBe(22);
    expect(one.blocks.map(({ length }) => length)).toEqual(other.blocks.map(({ length }) => length));
    const challenge = await scheme.challenge(keys.public, one.fileTag, { kind: 'sample', count: 22 });
    const answer = (await scheme.proof(keys.public, one, challenge.message))!;
    for (const key of [keys.public, keys.secret])
      expect(await scheme.verify(key, one.fileTag, challenge, answer)).toEqual({ accepted: true });
  });

  test('a changed message of an update is not what the proof is of', async () => {
    const stored = await server(8);
    const { fileTag } = stored;
    const message = await scheme.prepareUpdates(keys.secret, fileTag, changes.slice(0, 2));
    const proof = (await scheme.performUpdate(keys.public, stored, message))!;
    const other = await scheme.prepareUpdates(keys.secret, fileTag, changes.slice(0, 1));
    expect(await scheme.verifyUpdate(keys.secret, fileTag, other, proof)).toMatchObject({ accepted: false });
    for (const wrong of [[], [{ kind: 'delete', index: 8 }]] as const)
      await expect(scheme.prepareUpdates(keys.secret, fileTag, wrong)).rejects.toMatchObject({ code: 'selection' });
  });

  test('a block is found by a byte of the present file', async () => {
    const stored = await server(3);
    const message = await scheme.prepareUpdates(keys.secret, stored.fileTag, [changes[0]!]);
    const proof = (await scheme.performUpdate(keys.public, stored, message))!;
    expect(await scheme.verifyUpdate(keys.secret, stored.fileTag, message, proof)).toMatchObject({ accepted: true });
    expect(await scheme.locate(stored, 9)).toEqual({ index: 0, within: 9 });
    expect(await scheme.locate(stored, 10)).toEqual({ index: 1, within: 0 });
    expect(await scheme.locate(stored, 10 + 64 + 5)).toEqual({ index: 2, within: 5 });
    await expect(scheme.locate(stored, 10 + 3 * 64)).rejects.toMatchObject({ code: 'selection' });
  });
});
