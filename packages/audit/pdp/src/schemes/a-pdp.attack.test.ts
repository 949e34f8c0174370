import { nodePrimitives } from '@cloister/crypto';
import { describe, expect, test } from 'vitest';
import { numberBytes, numberFrom } from '../arithmetic/modular.ts';
import { decodeRecord, encodeRecord } from '../encoding.ts';
import type { Scheme } from '../scheme.ts';
import type { Challenge } from '../session/challenge.ts';
import { describeFile, type FileDescription } from '../session/file-description.ts';
import { withFixedPrimes } from '../testing/fixed-primes.ts';
import { type MemoryFile, memoryFile, tagInMemory } from '../testing/memory-file.ts';
import { seededPrimitives } from '../testing/seeded-primitives.ts';
import { inverseBy, power, type TextbookKey, textbookAPdp } from '../testing/textbook/a-pdp.ts';
import { aPdp, ePdp } from './a-pdp.ts';

const SEED = 'a-pdp attacks 1';
const primitives = withFixedPrimes(seededPrimitives(SEED));
const BLOCK_BYTES = 64;
const N_BYTES = 64;
const BLOCKS = 4;

type Parts = { readonly n: Uint8Array; readonly e: Uint8Array; readonly d: Uint8Array; readonly order: Uint8Array };
const isOpened = (value: unknown): value is { parts: Parts & { generator: Uint8Array } } => value !== null;
const anything = (value: unknown): value is Record<string, unknown> => value !== null;

async function ours(make: (from: typeof primitives) => Scheme = aPdp) {
  const scheme = make(primitives);
  const keys = await scheme.keyGen({ modulusBits: 512, insecure: true });
  const { parts } = decodeRecord(isOpened, keys.secret)!;
  const key: TextbookKey = {
    n: numberFrom(parts.n),
    g: numberFrom(parts.generator),
    e: numberFrom(parts.e),
    d: numberFrom(parts.d),
  };
  const order = numberFrom(parts.order);
  const describeIt = (length = BLOCKS * BLOCK_BYTES): FileDescription =>
    describeFile(primitives, { scheme: scheme.facts.name, version: 1, blockBytes: BLOCK_BYTES, length });
  const tag = (data: Uint8Array, file = describeIt(data.length)) => tagInMemory(scheme, keys, file, data);
  const ask = (stored: MemoryFile): Promise<Challenge> =>
    scheme.challenge(keys.secret, stored.fileTag, { kind: 'sample', count: BLOCKS });
  /** Whether what the storage has now passes for `stored`; its prover rewrites the message as it likes. */
  async function passes(stored: MemoryFile, has: MemoryFile): Promise<boolean> {
    const challenge = await ask(stored);
    const asked = decodeRecord(anything, challenge.message)!;
    const { name } = decodeRecord(anything, (await ask(has)).message)!;
    const proof = (await scheme.proof(keys.public, has, encodeRecord({ ...asked, name })))!;
    return (await scheme.verify(keys.secret, stored.fileTag, challenge, proof)).accepted;
  }
  return { scheme, keys, key, order, describeIt, tag, ask, passes };
}
const blocksOf = (data: Uint8Array): bigint[] =>
  Array.from({ length: BLOCKS }, (_, at) => numberFrom(data.subarray(at * BLOCK_BYTES, (at + 1) * BLOCK_BYTES)));
const random = (): Uint8Array => primitives.random(BLOCKS * BLOCK_BYTES);
const number = (bytes: number): bigint => numberFrom(primitives.random(bytes));

describe(`known attacks on A-PDP (seed "${SEED}")`, () => {
  test('libpdp: one file answers for another, since W_i names none', async () => {
    const { key, order, tag, passes } = await ours();
    const textbook = textbookAPdp(key, order);
    const [wanted, other] = [random(), random()];
    const tags = blocksOf(other).map((m, at) => textbook.tag(at, m));
    const a = tags.map(() => number(16));
    const s = number(N_BYTES);
    expect(textbook.verify(a, s, textbook.prove(blocksOf(other), tags, a, power(key.g, s, key.n)))).toBe(true);

    expect(await passes(await tag(wanted), await tag(other))).toBe(false);
  });

  test('libpdp: a rho of no bytes is equal to any', async () => {
    const { key, order, scheme, keys, tag, ask } = await ours();
    expect(textbookAPdp(key, order).verify([5n], 3n, { t: 7n, rho: new Uint8Array(0) })).toBe(true);

    const stored = await tag(random());
    const challenge = await ask(stored);
    const proof = (await scheme.proof(keys.public, stored, challenge.message))!;
    for (let length = 0; length < proof.length; length += 1)
      expect(await scheme.verify(keys.secret, stored.fileTag, challenge, proof.subarray(0, length))).toEqual({
        accepted: false,
        reason: 'malformed proof',
      });
  });

  /** The second file's first block is one less: T_0 / T'_0 = g^d, which makes a tag of any block. */
  async function retagged(sameSalt: boolean): Promise<boolean> {
    const { key, order, tag, passes, describeIt } = await ours();
    const first = random();
    first[BLOCK_BYTES - 1]! |= 1;
    const second = first.slice();
    second[BLOCK_BYTES - 1]! &= 0xfe;
    const file = describeIt();
    const stored = await tag(first, file);
    const again = await tag(second, sameSalt ? file : describeIt());
    const tagOf = ({ tagBytes }: MemoryFile) => numberFrom(tagBytes.subarray(0, N_BYTES));
    const root = (tagOf(stored) * inverseBy(tagOf(again), order, key.n)) % key.n;

    const lie = memoryFile(file, first.slice(), stored.tagBytes.slice(), stored.fileTag);
    const forged = primitives.random(BLOCK_BYTES);
    lie.data.set(forged);
    const difference = numberFrom(forged) - blocksOf(first)[0]!;
    const step = difference < 0n ? inverseBy(root, order, key.n) : root;
    const size = difference < 0n ? -difference : difference;
    lie.tagBytes.set(numberBytes((tagOf(stored) * power(step, size, key.n)) % key.n, N_BYTES));
    return passes(stored, lie);
  }

  test('control: two tags under one salt make a tag of any block', async () => {
    expect(await retagged(true)).toBe(true);
  });

  test('ours draws a salt for each session, and the same attack fails', async () => {
    expect(await retagged(false)).toBe(false);
  });

  test('a server that keeps blocks modulo N, or modulo an order that it guesses, does not pass', async () => {
    const { key, order, tag, passes } = await ours();
    const stored = await tag(random());
    const keeps = (modulus: bigint): MemoryFile => {
      const data = new Uint8Array(BLOCKS * BLOCK_BYTES);
      blocksOf(stored.data).forEach((m, at) => void data.set(numberBytes(m % modulus, BLOCK_BYTES), at * BLOCK_BYTES));
      return memoryFile(stored.file, data, stored.tagBytes, stored.fileTag);
    };
    // Blocks are as long as N here, so that no wrong modulus leaves them as they are.
    for (const guess of [key.n >> 3n, order - 1n, order + 2n, key.e, 2n ** 128n])
      expect(await passes(stored, keeps(guess))).toBe(false);
    // Control: to keep p'q' secret is what makes a block's whole length count.
    expect(await passes(stored, keeps(order))).toBe(true);
  });

  test('T is a number of N below N, and -T is not T', async () => {
    const { key, scheme, keys, tag, ask } = await ours();
    const stored = await tag(random());
    const challenge = await ask(stored);
    const proof = (await scheme.proof(keys.public, stored, challenge.message))!;
    const t = numberFrom(proof.subarray(0, N_BYTES));
    const verdict = async (value: bigint) => {
      const bent = proof.slice();
      bent.set(numberBytes(value, N_BYTES));
      return scheme.verify(keys.secret, stored.fileTag, challenge, bent);
    };
    expect(await verdict(t)).toEqual({ accepted: true });
    for (const value of [0n, key.n, key.n + 1n, 2n ** BigInt(8 * N_BYTES) - 1n])
      expect(await verdict(value)).toEqual({ accepted: false, reason: 'malformed proof' });
    for (const value of [1n, key.n - 1n, key.n - t, key.g])
      expect(await verdict(value)).toEqual({ accepted: false, reason: 'wrong proof' });
  });

  test('g_s may be anything: a prover answers, or does not, and never throws', async () => {
    const { key, scheme, keys, tag, ask } = await ours();
    const stored = await tag(random());
    const { message } = await ask(stored);
    const asked = decodeRecord(anything, message)!;
    const answer = (extra: Uint8Array) => scheme.proof(keys.public, stored, encodeRecord({ ...asked, extra }));
    for (const value of [1n, 2n, key.n - 1n]) expect(await answer(numberBytes(value, N_BYTES))).toBeDefined();
    for (const value of [0n, key.n, key.n + 1n]) expect(await answer(numberBytes(value, N_BYTES))).toBeUndefined();
    for (const length of [0, 1, N_BYTES - 1, N_BYTES + 1]) expect(await answer(new Uint8Array(length))).toBeUndefined();
  });
});

describe('why E-PDP is broken', () => {
  /** D is added to one half of the blocks and taken from the other half. */
  function shifted(data: Uint8Array): Uint8Array {
    const out = data.slice();
    const shift = 2n ** 300n;
    blocksOf(data).forEach((m, at) => {
      const moved = m + (at % 2 === 0 ? shift : -shift);
      const within = ((moved % 2n ** 512n) + 2n ** 512n) % 2n ** 512n;
      out.set(numberBytes(within, BLOCK_BYTES), at * BLOCK_BYTES);
    });
    return out;
  }

  async function accepted(make: (from: typeof primitives) => Scheme): Promise<boolean> {
    const { tag, passes } = await ours(make);
    const data = random();
    // So that no block overflows.
    for (let at = 0; at < BLOCKS; at += 1) data[at * BLOCK_BYTES] = 0x7f;
    const stored = await tag(data);
    const wrong = shifted(data);
    for (let at = 0; at < BLOCKS; at += 1)
      expect(wrong.subarray(at * BLOCK_BYTES, (at + 1) * BLOCK_BYTES)).not.toEqual(
        data.subarray(at * BLOCK_BYTES, (at + 1) * BLOCK_BYTES),
      );
    return passes(stored, memoryFile(stored.file, wrong, stored.tagBytes, stored.fileTag));
  }

  test('it accepts a file in which every block is wrong', async () => {
    expect(await accepted(ePdp)).toBe(true);
    const { facts } = ePdp(nodePrimitives);
    expect(facts.broken).toContain('3.7 %');
  });

  test('A-PDP does not', async () => {
    expect(await accepted(aPdp)).toBe(false);
  });

  test('at c = 460 of many blocks, C(c, c/2) / 2^c of the challenges pass: 3.7 %', () => {
    let probability = 1;
    for (let at = 1; at <= 230; at += 1) probability *= ((230 + at) / at) * 0.25;
    expect(probability).toBeCloseTo(0.0372, 4);
  });
});
