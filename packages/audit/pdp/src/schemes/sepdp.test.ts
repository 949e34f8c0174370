import { describe, expect, test } from 'vitest';
import { describeFile } from '../session/file-description.ts';
import { memoryFile, tagInMemory } from '../testing/memory-file.ts';
import { schemeLaws } from '../testing/scheme-laws.ts';
import { seededPrimitives } from '../testing/seeded-primitives.ts';
import { textbookSepdp } from '../testing/textbook/sepdp.ts';
import { sepdp } from './sepdp.ts';

schemeLaws('sepdp', {
  scheme: (primitives) => sepdp(primitives, { tokens: 3, blocksPerToken: 16 }),
  blockBytes: 64,
  token: { selection: { kind: 'token', token: 1 }, tagsFrom: 64, tagsEnd: 128 },
});

const primitives = seededPrimitives('sepdp 1');
const wish = (length: number) => ({ scheme: 'sepdp', version: 1, blockBytes: 32, length });

describe('tokens', () => {
  test('365 of 460 blocks unless told, 64 bytes each', async () => {
    const scheme = sepdp(primitives);
    const keys = await scheme.keyGen();
    const data = primitives.random(600 * 32);
    const stored = await tagInMemory(scheme, keys, describeFile(primitives, wish(data.length)), data, 1 << 20);
    expect(stored.tagBytes.length).toBe(365 * 64);
    const challenge = await scheme.challenge(keys.secret, stored.fileTag, { kind: 'token', token: 364 });
    const read = new Set<number>();
    const proof = await scheme.proof(
      keys.public,
      {
        fileTag: stored.fileTag,
        block: (at) => read.add(at) && stored.block(at),
        tags: (...part) => stored.tags(...part),
      },
      challenge.message,
    );
    expect(read.size).toBe(460);
    expect(proof!.length).toBe(96);
    expect((await scheme.verify(keys.secret, stored.fileTag, challenge, proof!)).accepted).toBe(true);
  });

  test('ask for blocks of their own, and find a loss as often as they meet it', async () => {
    const [n, lost, c, tokens] = [40, 2, 8, 1500];
    const scheme = sepdp(primitives, { tokens, blocksPerToken: c });
    const keys = await scheme.keyGen();
    const data = primitives.random(n * 32);
    const stored = await tagInMemory(scheme, keys, describeFile(primitives, wish(data.length)), data, 1 << 20);
    for (const block of [3, 31]) stored.data[block * 32]! ^= 1;
    let found = 0;
    for (let token = 0; token < tokens; token += 1) {
      const challenge = await scheme.challenge(keys.secret, stored.fileTag, { kind: 'token', token });
      const proof = (await scheme.proof(keys.public, stored, challenge.message))!;
      if (!(await scheme.verify(keys.secret, stored.fileTag, challenge, proof)).accepted) found += 1;
    }
    let missed = 1;
    for (let at = 0; at < c; at += 1) missed *= (n - lost - at) / (n - at);
    const expected = (1 - missed) * tokens;
    expect(Math.abs(found - expected)).toBeLessThan(4 * Math.sqrt(expected * missed));
  });

  test.each([
    { tokens: 0 },
    { tokens: 1.5 },
    { tokens: 100_001 },
    { blocksPerToken: 0 },
    { blocksPerToken: 2 ** 21 },
    { tokens: 100_000, blocksPerToken: 1000 },
  ])('%j are out of range', (settings) => {
    expect(() => sepdp(primitives, settings)).toThrow(expect.objectContaining({ code: 'parameter' }));
  });
});

describe('an old token for a new challenge', () => {
  const blocks = Array.from({ length: 4 }, () => primitives.random(32));

  test('textbook: passes, when all data is gone', async () => {
    const owner = textbookSepdp(primitives, primitives.random(32));
    const old = { value: await owner.proofOf(0, blocks), token: await owner.token(0, blocks) };
    expect(await owner.verify(1, old.value, old.token)).toBe(true);
    expect(await owner.verify(7, old.value, old.token)).toBe(true);
  });

  test('ours: is refused for each other token, and for the same one of another session', async () => {
    const scheme = sepdp(primitives, { tokens: 5, blocksPerToken: 4 });
    const keys = await scheme.keyGen();
    const data = new Uint8Array(Buffer.concat(blocks));
    const file = describeFile(primitives, wish(data.length));
    const stored = await tagInMemory(scheme, keys, file, data);
    const again = describeFile(primitives, { ...wish(data.length), fileId: file.fileId });
    const other = await tagInMemory(scheme, keys, again, data);
    const ask = (token: number, { fileTag } = stored) =>
      scheme.challenge(keys.secret, fileTag, { kind: 'token', token });
    const old = (await scheme.proof(keys.public, stored, (await ask(0)).message))!;
    for (let token = 1; token < 5; token += 1)
      expect(await scheme.verify(keys.secret, stored.fileTag, await ask(token), old)).toEqual({
        accepted: false,
        reason: 'wrong proof',
      });
    expect((await scheme.verify(keys.secret, other.fileTag, await ask(0, other), old)).accepted).toBe(false);
    // An old value with the token that is asked for, and the other way round.
    const lie = memoryFile(file, new Uint8Array(data.length), stored.tagBytes, stored.fileTag);
    const empty = (await scheme.proof(keys.public, lie, (await ask(1)).message))!;
    for (const mixed of [
      [...old.subarray(0, 32), ...empty.subarray(32)],
      [...empty.subarray(0, 32), ...old.subarray(32)],
    ])
      expect((await scheme.verify(keys.secret, stored.fileTag, await ask(1), new Uint8Array(mixed))).accepted).toBe(
        false,
      );
  });

  test('what the scheme cannot see: the same token twice', async () => {
    // This is why a verifier keeps which tokens are used, and never asks for one again.
    const scheme = sepdp(primitives, { tokens: 5, blocksPerToken: 4 });
    const keys = await scheme.keyGen();
    const data = new Uint8Array(Buffer.concat(blocks));
    const stored = await tagInMemory(scheme, keys, describeFile(primitives, wish(data.length)), data);
    const ask = () => scheme.challenge(keys.secret, stored.fileTag, { kind: 'token', token: 2 });
    const kept = (await scheme.proof(keys.public, stored, (await ask()).message))!;
    expect((await scheme.verify(keys.secret, stored.fileTag, await ask(), kept)).accepted).toBe(true);
  });
});

test.each([
  [true, 'control: with one salt for both, the old data with its old tokens passes for the new'],
  [false, 'with a salt for each, it does not'],
])('a file tagged again (one salt: %s): %s', async (sameSalt) => {
  const scheme = sepdp(primitives, { tokens: 3, blocksPerToken: 4 });
  const keys = await scheme.keyGen();
  const file = describeFile(primitives, wish(4 * 32));
  const old = await tagInMemory(scheme, keys, file, primitives.random(4 * 32));
  const again = sameSalt ? file : describeFile(primitives, { ...wish(4 * 32), fileId: file.fileId });
  const stored = await tagInMemory(scheme, keys, again, primitives.random(4 * 32));
  const lie = memoryFile(again, old.data, old.tagBytes, stored.fileTag);
  const challenge = await scheme.challenge(keys.secret, stored.fileTag, { kind: 'token', token: 1 });
  const proof = (await scheme.proof(keys.public, lie, challenge.message))!;
  expect((await scheme.verify(keys.secret, stored.fileTag, challenge, proof)).accepted).toBe(sameSalt);
});
