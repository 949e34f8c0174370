import { nodePrimitives } from '@cloister/crypto';
import { describe, expect, test } from 'vitest';
import { describeFile } from '../session/file-description.ts';
import { type MemoryFile, memoryFile, tagInMemory } from '../testing/memory-file.ts';
import { seededPrimitives } from '../testing/seeded-primitives.ts';
import { integerOf, textbookCpor } from '../testing/textbook/cpor-private.ts';
import { cporPrivate } from './cpor-private.ts';

const primitives = seededPrimitives('cpor-private attacks 1');
const P = 2n ** 127n - 1n;
const SECTOR_BYTES = 15;
const SECTORS = 4;
const BLOCK_BYTES = SECTORS * SECTOR_BYTES;

const modulo = (value: bigint, p = P): bigint => ((value % p) + p) % p;
const sectorsOf = (block: Uint8Array): readonly bigint[] =>
  Array.from({ length: SECTORS }, (_, at) => integerOf(block.subarray(at * SECTOR_BYTES, (at + 1) * SECTOR_BYTES)));
const bytesOf = (value: bigint): Uint8Array =>
  Uint8Array.from({ length: 16 }, (_, at) => Number((value >> BigInt(8 * at)) & 255n));

describe('alphas from two tags under one key and index, of blocks that differ by one in one sector', () => {
  /** Block j of the second file is that of the first, but with 1 more or less in sector j. */
  const first = primitives.random(SECTORS * BLOCK_BYTES);
  const second = first.slice();
  for (let at = 0; at < SECTORS; at += 1) second[at * (BLOCK_BYTES + SECTOR_BYTES)]! ^= 1;
  const block = (data: Uint8Array, index: number) =>
    sectorsOf(data.subarray(index * BLOCK_BYTES, (index + 1) * BLOCK_BYTES));
  /** sigma_j - sigma'_j = alpha_j (m_jj - m'_jj), where the difference is 1 or -1. */
  const alphasFrom = (tags: readonly bigint[], others: readonly bigint[]): readonly bigint[] =>
    tags.map((tag, at) => modulo((tag - others[at]!) * (block(first, at)[at]! - block(second, at)[at]!)));
  const forge = (alphas: readonly bigint[], tag: bigint, from: readonly bigint[], to: readonly bigint[]): bigint =>
    modulo(alphas.reduce((sum, alpha, at) => sum + alpha * (to[at]! - from[at]!), tag));

  test('textbook: two files under one key', async () => {
    const owner = textbookCpor(nodePrimitives, P, primitives.random(32), SECTORS);
    const tagsOf = async (data: Uint8Array) =>
      Promise.all(Array.from({ length: SECTORS }, (_, at) => owner.tag(at, block(data, at))));
    const tags = await tagsOf(first);
    const forged = sectorsOf(primitives.random(BLOCK_BYTES));
    const sigma = forge(alphasFrom(tags, await tagsOf(second)), tags[2]!, block(first, 2), forged);
    expect(await owner.verify(new Map([[2, 1n]]), forged, sigma)).toBe(true);
  });

  test('textbook: a block of one file, with its tag, passes for that of another', async () => {
    const owner = textbookCpor(nodePrimitives, P, primitives.random(32), SECTORS);
    const other = block(second, 1);
    expect(
      await owner.verify(
        new Map([[1, 5n]]),
        other.map((sector) => modulo(5n * sector)),
        modulo(5n * (await owner.tag(1, other))),
      ),
    ).toBe(true);
  });

  /** The storage has the tags of both sessions, and answers for the first with block 2 replaced. */
  async function attack(sameSalt: boolean): Promise<boolean> {
    const scheme = cporPrivate(primitives);
    const keys = await scheme.keyGen();
    const wish = { scheme: 'cpor-private', version: 1, blockBytes: BLOCK_BYTES, length: first.length };
    const file = describeFile(primitives, wish);
    const stored = await tagInMemory(scheme, keys, file, first);
    const again = sameSalt ? file : describeFile(primitives, { ...wish, fileId: file.fileId });
    const other = await tagInMemory(scheme, keys, again, second);

    const tagsOf = ({ tagBytes }: MemoryFile) =>
      Array.from({ length: SECTORS }, (_, at) => integerOf(tagBytes.subarray(16 * at, 16 * (at + 1))));
    const forged = primitives.random(BLOCK_BYTES);
    const tag = forge(
      alphasFrom(tagsOf(stored), tagsOf(other)),
      tagsOf(stored)[2]!,
      block(first, 2),
      sectorsOf(forged),
    );
    const lie = memoryFile(file, first.slice(), stored.tagBytes.slice(), stored.fileTag);
    lie.data.set(forged, 2 * BLOCK_BYTES);
    lie.tagBytes.set(bytesOf(tag), 2 * 16);

    const challenge = await scheme.challenge(keys.secret, stored.fileTag, { kind: 'sample', count: 4 });
    const proof = (await scheme.proof(keys.public, lie, challenge.message))!;
    return (await scheme.verify(keys.secret, stored.fileTag, challenge, proof)).accepted;
  }

  test('control: ours with one salt for both accepts a proof of a forged block', async () => {
    expect(await attack(true)).toBe(true);
  });

  test('ours draws a salt for each session, and the same attack fails', async () => {
    expect(await attack(false)).toBe(false);
  });
});

describe('what the size of p and the number of blocks are for', () => {
  test('textbook: a guess is right once in p; ours has no p of 80 bits, and refuses what is not below its own', async () => {
    const p = 127n;
    const owner = textbookCpor(nodePrimitives, p, primitives.random(32), SECTORS);
    const attempts = 10_000;
    let accepted = 0;
    for (let at = 0; at < attempts; at += 1)
      if (await owner.verify(new Map([[0, 1n]]), [1n, 2n, 3n, BigInt(at)], BigInt(at % 113))) accepted += 1;
    const expected = attempts / Number(p);
    expect(Math.abs(accepted - expected)).toBeLessThan(4 * Math.sqrt(expected));

    const scheme = cporPrivate(primitives);
    const keys = await scheme.keyGen();
    const file = describeFile(primitives, { scheme: 'cpor-private', version: 1, blockBytes: BLOCK_BYTES, length: 60 });
    const stored = await tagInMemory(scheme, keys, file, primitives.random(60));
    const challenge = await scheme.challenge(keys.secret, stored.fileTag, { kind: 'sample', count: 1 });
    const proof = (await scheme.proof(keys.public, stored, challenge.message))!;
    const sigma = integerOf(proof.subarray(-16));
    for (const same of [sigma + P, 2n ** 128n - 1n]) {
      const bent = proof.slice();
      bent.set(bytesOf(same), proof.length - 16);
      expect(await scheme.verify(keys.secret, stored.fileTag, challenge, bent)).toEqual({
        accepted: false,
        reason: 'malformed proof',
      });
    }
  });

  test("libpdp's 80 blocks find a loss of 1 % in 55 of 100 challenges, 460 in 99", () => {
    const detection = (n: number, lost: number, c: number) => {
      let missed = 1;
      for (let at = 0; at < c; at += 1) missed *= (n - lost - at) / (n - at);
      return 1 - missed;
    };
    expect(detection(1e6, 1e4, 80)).toBeCloseTo(0.5525, 4);
    expect(detection(1e6, 1e4, 460)).toBeCloseTo(0.9902, 4);
  });
});
