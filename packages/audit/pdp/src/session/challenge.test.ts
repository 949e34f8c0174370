import { nodePrimitives } from '@cloister/crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type ChallengeMessage,
  challengeMessage,
  challengeSecret,
  checkSelection,
  expand,
  INDICES_MAX,
  openChallengeMessage,
  type Selection,
} from './challenge.ts';
import { blockCount, describeFile, fileName } from './file-description.ts';

const seed = new Uint8Array(32).fill(9);
const file = describeFile(nodePrimitives, { scheme: 'some', version: 1, blockBytes: 64, length: 640 });
const opened = { file, name: new Uint8Array(await fileName(nodePrimitives, file)) };
const sample: Selection = { kind: 'sample', count: 3 };

test('a message says all but what the verifier keeps to itself', async () => {
  const message = await challengeMessage(nodePrimitives, opened, seed, sample, new Uint8Array([5]));
  const told = openChallengeMessage(opened, message)!;
  expect(told).toMatchObject({ scheme: 'some', name: opened.name, selection: sample, extra: new Uint8Array([5]) });
  expect(Buffer.from(message).includes(Buffer.from(seed))).toBe(false);
  expect(told.seed).not.toEqual(await challengeSecret(nodePrimitives, seed, 'other'));
  const other = describeFile(nodePrimitives, { ...file, fileId: file.fileId });
  expect(openChallengeMessage({ file: other, name: await fileName(nodePrimitives, other) }, message)).toBeUndefined();
});

test('no bytes make it throw', async () => {
  const message = await challengeMessage(nodePrimitives, opened, seed, { kind: 'list', indices: [1, 2, 9] });
  fc.assert(
    fc.property(fc.nat(message.length - 1), fc.uint8Array({ maxLength: 40 }), (at, some) => {
      openChallengeMessage(opened, some);
      expect(openChallengeMessage(opened, new Uint8Array([...message.subarray(0, at), ...some, 0]))).toBeUndefined();
      const bent = message.slice();
      bent.set(some.subarray(0, bent.length - at), at);
      openChallengeMessage(opened, bent);
    }),
    { seed: 8, numRuns: 1_000 },
  );
});

describe('selections', () => {
  const kinds: readonly Selection['kind'][] = ['sample', 'list', 'range', 'token'];
  test.each<readonly [Selection, boolean]>([
    [{ kind: 'sample', count: 1 }, true],
    [{ kind: 'sample', count: INDICES_MAX }, true],
    [{ kind: 'sample', count: 0 }, false],
    [{ kind: 'sample', count: INDICES_MAX + 1 }, false],
    [{ kind: 'sample', count: 1.5 }, false],
    [{ kind: 'list', indices: [0, 9] }, true],
    [{ kind: 'list', indices: [] }, false],
    [{ kind: 'list', indices: [9, 0] }, false],
    [{ kind: 'list', indices: [3, 3] }, false],
    [{ kind: 'list', indices: [10] }, false],
    [{ kind: 'list', indices: [-1] }, false],
    [{ kind: 'range', first: 0, count: 10 }, true],
    [{ kind: 'range', first: 9, count: 1 }, true],
    [{ kind: 'range', first: 0, count: 11 }, false],
    [{ kind: 'range', first: 10, count: 1 }, false],
    [{ kind: 'range', first: 0, count: 0 }, false],
    [{ kind: 'range', first: Number.MAX_SAFE_INTEGER, count: Number.MAX_SAFE_INTEGER }, false],
  ])('%j: %s', async (selection, allowed) => {
    const check = () => checkSelection(file, kinds, selection);
    if (allowed) check();
    else expect(check).toThrow(expect.objectContaining({ code: 'selection' }));
    const message = await challengeMessage(nodePrimitives, opened, seed, selection);
    expect(openChallengeMessage(opened, message) !== undefined).toBe(allowed);
  });

  test('of another kind than the scheme has', () => {
    expect(() => checkSelection(file, ['list'], sample)).toThrow(expect.objectContaining({ code: 'selection' }));
  });
});

const expansion = async (selection: Selection, changes: Partial<ChallengeMessage> = {}) =>
  expand(nodePrimitives, file, {
    scheme: 'some',
    name: opened.name,
    seed,
    selection,
    extra: new Uint8Array(0),
    ...changes,
  });

test('both sides expand alike, and differently for another seed or file', async () => {
  const one = await expansion(sample);
  expect([...(await expansion(sample)).indices]).toEqual([...one.indices]);
  const coefficients = await one.coefficients().bytes(64);
  expect(await one.coefficients().bytes(64)).toEqual(coefficients);
  for (const other of [{ seed: new Uint8Array(32) }, { name: new Uint8Array(32) }])
    expect(await (await expansion(sample, other)).coefficients().bytes(64)).not.toEqual(coefficients);
});

test('a sample of more than there are is all of them', async () => {
  const { count, indices } = await expansion({ kind: 'sample', count: 460 });
  expect(count).toBe(10);
  expect([...indices]).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
});

test('a range is not laid out in memory', async () => {
  const huge = { ...file, length: 2 ** 52 };
  const selection: Selection = { kind: 'range', first: 5, count: blockCount(huge) - 5 };
  const { indices } = await expand(nodePrimitives, huge, { ...opened, scheme: 'some', seed, selection, extra: seed });
  const found: number[] = [];
  for (const index of indices) if (found.push(index) === 3) break;
  expect(found).toEqual([5, 6, 7]);
});

/**
 * In 10,000 challenges, those that ask for a lost block: their number is binomial, and lies within four deviations of what the
 * formula says (one chance in 15,000 for a seed, and the seeds are fixed).
 */
describe('the detection rate is 1 - C(n-b,c) / C(n,c)', () => {
  test.each([
    [10, 1, 3],
    [50, 3, 10],
    [2 ** 28, 2 ** 28 / 100, 80],
    [2 ** 28, 2 ** 28 / 200, 300],
  ])('of %i blocks %i are lost, and %i asked for', { timeout: 60_000 }, async (n, lost, c) => {
    const of = { ...file, blockBytes: 4096, length: n * 4096 };
    let missed = 1;
    for (let at = 0; at < c; at += 1) missed *= (n - lost - at) / (n - at);
    const challenges = 10_000;
    let found = 0;
    for (let at = 0; at < challenges; at += 1) {
      const its = new Uint8Array(32);
      new DataView(its.buffer).setUint32(0, at);
      const selection: Selection = { kind: 'sample', count: c };
      const message = { ...opened, scheme: 'some', seed: its, selection, extra: seed };
      // The lost ones are spread over the file.
      const step = Math.floor(n / lost);
      for (const index of (await expand(nodePrimitives, of, message)).indices)
        if (index % step === 0 && index / step < lost) {
          found += 1;
          break;
        }
    }
    const expected = (1 - missed) * challenges;
    expect(Math.abs(found - expected)).toBeLessThan(4 * Math.sqrt(expected * missed));
  });
});
