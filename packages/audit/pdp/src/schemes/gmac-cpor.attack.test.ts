import { nodePrimitives } from '@cloister/crypto';
import { describe, expect, test } from 'vitest';
import { addInto, dotProduct, ELEMENT_BYTES } from '../arithmetic/gf128.ts';
import { describeFile } from '../session/file-description.ts';
import { type MemoryFile, memoryFile, tagInMemory } from '../testing/memory-file.ts';
import { seededPrimitives } from '../testing/seeded-primitives.ts';
import { textbookGmacCpor } from '../testing/textbook/gmac-cpor.ts';
import { gmacCpor } from './gmac-cpor.ts';

const primitives = seededPrimitives('gmac-cpor attacks 1');
const BLOCK_BYTES = 64;

const plus = (left: Uint8Array, right: Uint8Array): Uint8Array => {
  const sum = new Uint8Array(left);
  addInto(sum, right);
  return sum;
};
/** `base` to the power of 2^128 - 2, its inverse, by squaring and multiplying. */
function inverse(base: Uint8Array): Uint8Array {
  let square = dotProduct(base, base);
  let power = square;
  for (let bit = 2; bit < 128; bit += 1) {
    square = dotProduct(square, square);
    power = dotProduct(power, square);
  }
  return power;
}
/** To the power of 2^127: squared once more, it is the element itself. */
function squareRoot(element: Uint8Array): Uint8Array {
  let root = element;
  for (let times = 0; times < 127; times += 1) root = dotProduct(root, root);
  return root;
}

/**
 * H from two tags under one key and nonce, of blocks that differ in their last element alone: the masks and all other terms
 * cancel, and what is left is sigma + sigma' = d H^2.
 */
function hashKeyFrom(blocks: readonly [Uint8Array, Uint8Array], tags: readonly [Uint8Array, Uint8Array]): Uint8Array {
  const last = (block: Uint8Array) => block.subarray(block.length - ELEMENT_BYTES);
  return squareRoot(dotProduct(plus(...tags), inverse(plus(last(blocks[0]), last(blocks[1])))));
}
/** m_1 H^(s+1) + ... + m_s H^2. */
function polynomial(hashKey: Uint8Array, block: Uint8Array): Uint8Array {
  let sum = new Uint8Array(ELEMENT_BYTES);
  for (let at = 0; at < block.length; at += ELEMENT_BYTES)
    sum = new Uint8Array(dotProduct(plus(sum, block.subarray(at, at + ELEMENT_BYTES)), hashKey));
  return new Uint8Array(dotProduct(sum, hashKey));
}
/** The tag of another block under the nonce of one whose tag is known. */
const forge = (hashKey: Uint8Array, block: Uint8Array, tag: Uint8Array, other: Uint8Array): Uint8Array =>
  plus(tag, polynomial(hashKey, plus(block, other)));

test('the inverse and the root are those', () => {
  const one = new Uint8Array(ELEMENT_BYTES);
  one[0] = 0x80;
  const some = primitives.random(ELEMENT_BYTES);
  expect(dotProduct(some, inverse(some))).toEqual(one);
  expect(dotProduct(squareRoot(some), squareRoot(some))).toEqual(some);
});

test('textbook: a version that repeats after a rollback gives the key away, and every tag with it', async () => {
  const owner = textbookGmacCpor(nodePrimitives, primitives.random(32));
  const before = primitives.random(BLOCK_BYTES);
  const after = before.map((byte, at) => (at >= BLOCK_BYTES - 5 ? byte ^ 0x5a : byte));
  const other = primitives.random(BLOCK_BYTES);
  const otherTag = await owner.tag(1, 7, other);
  const tags = [await owner.tag(1, 0, before), await owner.tag(1, 0, after)] as const;

  const forgedBlock = primitives.random(BLOCK_BYTES);
  const forgedTag = forge(hashKeyFrom([before, after], tags), other, otherTag, forgedBlock);
  expect(await owner.verify(1, 7, forgedBlock, forgedTag)).toBe(true);
});

describe('ours, when a file is tagged, and tagged again with its last element changed', () => {
  const scheme = gmacCpor(primitives);
  const data = primitives.random(4 * BLOCK_BYTES);
  const changed = data.slice();
  changed[BLOCK_BYTES - 1]! ^= 1;

  /** The storage keeps both sessions' tags, and replaces block 2 of the second. */
  async function attack(sameSalt: boolean): Promise<boolean> {
    const keys = await scheme.keyGen();
    const wish = { scheme: 'gmac-cpor', version: 1, blockBytes: BLOCK_BYTES, length: data.length };
    const file = describeFile(primitives, wish);
    const first = await tagInMemory(scheme, keys, file, data);
    const again = sameSalt ? file : describeFile(primitives, { ...wish, fileId: file.fileId });
    const second = await tagInMemory(scheme, keys, again, changed);

    const block = (stored: MemoryFile, index: number) => stored.block(index) as Uint8Array;
    const tag = (stored: MemoryFile, index: number) => stored.tags(index * 16, 16) as Uint8Array;
    const hashKey = hashKeyFrom([block(first, 0), block(second, 0)], [tag(first, 0), tag(second, 0)]);
    const lie = memoryFile(again, changed.slice(), second.tagBytes.slice(), second.fileTag);
    const other = primitives.random(BLOCK_BYTES);
    lie.tagBytes.set(forge(hashKey, block(second, 2), tag(second, 2), other), 2 * 16);
    lie.data.set(other, 2 * BLOCK_BYTES);

    const challenge = await scheme.challenge(keys.secret, second.fileTag, { kind: 'sample', count: 4 });
    const proof = (await scheme.proof(keys.public, lie, challenge.message))!;
    return (await scheme.verify(keys.secret, second.fileTag, challenge, proof)).accepted;
  }

  test('control: with one salt for both, a proof of a forged block is accepted', async () => {
    expect(await attack(true)).toBe(true);
  });

  test('each session draws its own salt, and the same attack fails', async () => {
    expect(await attack(false)).toBe(false);
  });
});
