import { nodePrimitives } from '@cloister/crypto';
import { beforeAll, describe, expect, test } from 'vitest';
import { type Curve, curve, type G1, type Scalar } from '../arithmetic/curve.ts';
import { SECTOR_BYTES } from '../arithmetic/sector-sums.ts';
import { decodeRecord, encodeRecord, uint64 } from '../encoding.ts';
import { lazyBlsKeys } from '../families/bls-keys.ts';
import { hashSum, holds, indexLabels, takeCoefficient } from '../families/bls-tags.ts';
import type { DynamicScheme, KeyPair, Scheme } from '../scheme.ts';
import { expand, openChallengeMessage } from '../session/challenge.ts';
import { describeFile, fileName } from '../session/file-description.ts';
import { type MemoryFile, memoryFile, tagInMemory } from '../testing/memory-file.ts';
import { seededPrimitives } from '../testing/seeded-primitives.ts';
import { textbookKey, textbookSums, textbookTag, textbookVerify } from '../testing/textbook/bls-tags.ts';
import { auditorsMask, isMaskedAnswer, maskedAnswer } from '../testing/textbook/masked-dht-pa.ts';
import { leadsTo, textbookTree } from '../testing/textbook/mht-pa.ts';
import { cporPublic } from './cpor-public.ts';
import { dhtPa } from './dht-pa.ts';
import { mhtPa } from './mht-pa.ts';
import { pppas } from './pppas.ts';

// Each attack succeeds against the textbook's form and fails against ours.
const primitives = seededPrimitives('bls attacks 1');
const { random } = primitives;
const BLOCK_BYTES = 4 * SECTOR_BYTES;
const SCHEMES = { 'cpor-public': cporPublic, 'dht-pa': dhtPa, 'mht-pa': mhtPa, pppas };
const all = { kind: 'sample', count: 1 << 20 } as const;

let group: Curve;
const keyPairs = new Map<string, KeyPair>();
beforeAll(async () => {
  group = await curve();
  for (const [name, make] of Object.entries(SCHEMES))
    keyPairs.set(name, await make(primitives).keyGen({ blockBytes: BLOCK_BYTES }));
});

const scalarOf = (bytes: Uint8Array): Scalar => group.scalar.reduce(bytes);
const number = (value: number): Scalar => scalarOf(Uint8Array.of(value));
const sectors = (block: Uint8Array): readonly Scalar[] =>
  [0, 1, 2, 3].map((at) => scalarOf(block.subarray(at * SECTOR_BYTES, (at + 1) * SECTOR_BYTES)));
const aggregateTags = (tags: readonly G1[], nu: readonly Scalar[]): G1 => group.sum(tags, nu);
const order3 = (): G1 => group.decodeAnyG1(Uint8Array.of(0x80, ...new Uint8Array(47)))!;

interface Ours {
  readonly scheme: Scheme;
  readonly keys: KeyPair;
  describe(blocks: number): MemoryFile['file'];
  tagged(data: Uint8Array, file?: MemoryFile['file']): Promise<MemoryFile>;
  /** What both verifiers say of an answer from these bytes. */
  accepts(asked: MemoryFile, data: Uint8Array, tagBytes: Uint8Array): Promise<boolean>;
}
function ours(name: keyof typeof SCHEMES): Ours {
  const scheme = SCHEMES[name](primitives);
  const keys = keyPairs.get(name)!;
  const build = async (stored: MemoryFile) => {
    if (scheme.facts.data === 'dynamic') await (scheme as DynamicScheme).build(keys.public, stored);
    return stored;
  };
  const describe = (blocks: number) =>
    describeFile(primitives, { scheme: name, version: 1, blockBytes: BLOCK_BYTES, length: blocks * BLOCK_BYTES });
  return {
    scheme,
    keys,
    describe,
    tagged: async (data, file = describe(data.length / BLOCK_BYTES)) =>
      build(await tagInMemory(scheme, keys, file, data)),
    async accepts(asked, data, tagBytes) {
      const challenge = await scheme.challenge(keys.public, asked.fileTag, all);
      const answering = await build(memoryFile(asked.file, data, tagBytes, asked.fileTag));
      const proof = (await scheme.proof(keys.public, answering, challenge.message))!;
      const verdicts = await Promise.all(
        [keys.public, keys.secret].map((key) => scheme.verify(key, asked.fileTag, challenge, proof)),
      );
      expect(verdicts[0]).toEqual(verdicts[1]);
      return verdicts[0]!.accepted;
    },
  };
}
const names = Object.keys(SCHEMES) as (keyof typeof SCHEMES)[];

describe('a server that keeps a block modulo the order', () => {
  const residue = (block: Uint8Array): Uint8Array => group.scalar.encode(scalarOf(block)).reverse();

  test('passes where a whole block is one exponent', () => {
    const key = textbookKey(group, 1, () => random(48));
    const blocks = [random(BLOCK_BYTES), random(BLOCK_BYTES)];
    const labels = blocks.map((_, at) => uint64(at));
    const tags = blocks.map((block, at) => textbookTag(group, key, labels[at]!, [scalarOf(block)]));
    const kept = blocks.map(residue);
    expect(kept[0]!.length).toBe(32);
    const nu = blocks.map(() => scalarOf(random(16)));
    const mu = textbookSums(
      group,
      nu,
      kept.map((bytes) => [scalarOf(bytes)]),
    );
    expect(textbookVerify(group, key, labels, nu, mu, aggregateTags(tags, nu))).toBe(true);
  });

  test.each(names)('does not pass %s, whose sectors are below the order', async (name) => {
    const { tagged, accepts } = ours(name);
    const stored = await tagged(random(BLOCK_BYTES));
    const kept = new Uint8Array(BLOCK_BYTES);
    kept.set(residue(stored.data));
    expect(await accepts(stored, stored.data, stored.tagBytes)).toBe(true);
    expect(await accepts(stored, kept, stored.tagBytes)).toBe(false);
  });
});

describe('tags that are not bound to a file', () => {
  test('let one file answer for another where H hashes an index alone', () => {
    const key = textbookKey(group, 4, () => random(48));
    const other = [random(BLOCK_BYTES), random(BLOCK_BYTES)];
    const labels = other.map((_, at) => uint64(at));
    const tags = other.map((block, at) => textbookTag(group, key, labels[at]!, sectors(block)));
    const nu = other.map(() => scalarOf(random(16)));
    // Asked about a file that the server has deleted.
    const mu = textbookSums(group, nu, other.map(sectors));
    expect(textbookVerify(group, key, labels, nu, mu, aggregateTags(tags, nu))).toBe(true);
  });

  test.each(names)('%s: one file does not answer for another', async (name) => {
    const { tagged, accepts } = ours(name);
    const [file, other] = [await tagged(random(2 * BLOCK_BYTES)), await tagged(random(2 * BLOCK_BYTES))];
    expect(await accepts(other, other.data, other.tagBytes)).toBe(true);
    expect(await accepts(file, other.data, other.tagBytes)).toBe(false);
  });
});

describe('two tags under one name and index', () => {
  /** sigma'_0 / sigma_0 = g1^{x sum alpha_j (m'_0j - m_0j)}, which then moves any block by the same difference. */
  async function forge(name: keyof typeof SCHEMES, again: (file: MemoryFile['file']) => MemoryFile['file']) {
    const { describe: describeIt, tagged, accepts } = ours(name);
    const file = describeIt(2);
    const [zero, five] = [new Uint8Array(2 * BLOCK_BYTES), new Uint8Array(2 * BLOCK_BYTES)];
    five[0] = 5;
    five[BLOCK_BYTES] = zero[BLOCK_BYTES] = 7;
    const [first, second] = [await tagged(zero, file), await tagged(five, again(file))];
    const tag = (stored: MemoryFile, at: number) => group.decodeG1(stored.tagBytes.slice(at * 48, (at + 1) * 48))!;
    const difference = group.add(tag(second, 0), group.negate(tag(first, 0)));
    const data = zero.slice();
    data[BLOCK_BYTES] = 7 + 5;
    const tagBytes = first.tagBytes.slice();
    tagBytes.set(group.encodeG1(group.add(tag(first, 1), difference)), 48);
    return accepts(first, data, tagBytes);
  }

  test.each(['cpor-public', 'pppas', 'dht-pa'] as const)('%s: give a forged block away (control)', async (name) => {
    expect(await forge(name, (file) => file)).toBe(true);
  });
  test.each(names)('%s: do not come about, since each session has its own salt', async (name) => {
    expect(await forge(name, (file) => ({ ...file, salt: random(32) }))).toBe(false);
  });
  test('mht-pa: give nothing away, since other content has another label', async () => {
    expect(await forge('mht-pa', (file) => file)).toBe(false);
  });
});

describe('a point of small order', () => {
  test('makes a second proof of one where points are only on the curve', () => {
    const key = textbookKey(group, 4, () => random(48));
    const block = random(BLOCK_BYTES);
    const labels = [uint64(0)];
    const nu = [number(1)];
    const tag = textbookTag(group, key, labels[0]!, sectors(block));
    expect(textbookVerify(group, key, labels, nu, sectors(block), group.add(tag, order3()))).toBe(true);
  });

  test.each(names)('%s: is no point of a proof, and neither is the identity', async (name) => {
    const { scheme, keys, tagged } = ours(name);
    const stored = await tagged(random(BLOCK_BYTES));
    const challenge = await scheme.challenge(keys.public, stored.fileTag, all);
    const proof = (await scheme.proof(keys.public, stored, challenge.message))!;
    const sigma = group.decodeG1(proof.slice(0, 48))!;
    for (const point of [group.add(sigma, order3()), order3(), group.sum([], [])]) {
      const bent = proof.slice();
      bent.set(group.encodeG1(point));
      for (const key of [keys.public, keys.secret])
        expect(await scheme.verify(key, stored.fileTag, challenge, bent)).toEqual({
          accepted: false,
          reason: 'malformed proof',
        });
    }
  });

  test.each(names)('%s: is no part of a public key', async (name) => {
    const { scheme, keys, tagged } = ours(name);
    const stored = await tagged(random(BLOCK_BYTES));
    const isKey = (value: unknown): value is { u: Uint8Array; v: Uint8Array } => typeof value === 'object';
    const key = decodeRecord(isKey, keys.public)!;
    for (const point of [order3(), group.sum([], [])]) {
      const u = key.u.slice();
      u.set(group.encodeG1(point), 48);
      await expect(scheme.challenge(encodeRecord({ ...key, u }), stored.fileTag, all)).rejects.toMatchObject({
        code: 'key',
      });
    }
    const v = Uint8Array.of(0xc0, ...new Uint8Array(95));
    await expect(scheme.challenge(encodeRecord({ ...key, v }), stored.fileTag, all)).rejects.toMatchObject({
      code: 'key',
    });
  });
});

describe('a server that keeps one point for each block and deletes the data', () => {
  test('passes masked DHT-PA with several sectors', () => {
    const key = textbookKey(group, 4, () => random(48));
    const blocks = [random(BLOCK_BYTES), random(BLOCK_BYTES), random(BLOCK_BYTES)];
    const labels = blocks.map((_, at) => uint64(at));
    const tags = blocks.map((block, at) => textbookTag(group, key, labels[at]!, sectors(block)));
    const kept = blocks.map((block) => group.sum(key.u, sectors(block)));
    blocks.length = 0;

    const [r, nu] = [scalarOf(random(48)), labels.map(() => scalarOf(random(16)))];
    const mask = auditorsMask(group, key, r);
    const sigma = aggregateTags(tags, nu);
    const d = maskedAnswer(group, group.sum(kept, nu), mask);
    expect(isMaskedAnswer(group, mask, r, labels, nu, { d, sigma })).toBe(true);
    const wrong = maskedAnswer(group, group.sum(kept, [...nu].reverse()), mask);
    expect(isMaskedAnswer(group, mask, r, labels, nu, { d: wrong, sigma })).toBe(false);
  });

  test('has no answer for ours: each sector is sent as a number', async () => {
    const { scheme, keys, tagged } = ours('dht-pa');
    const stored = await tagged(random(2 * BLOCK_BYTES));
    const challenge = await scheme.challenge(keys.public, stored.fileTag, all);
    const proof = (await scheme.proof(keys.public, stored, challenge.message))!;
    // Any two numbers for the sectors would do if the point alone counted: u_1^a u_2^b is not u_1^(a+1) u_2^(b-1).
    expect(proof.length).toBe(48 + 4 * 32);
    const one = number(1);
    const moved = proof.slice();
    const mu = [0, 1].map((at) => group.scalar.decode(proof.slice(48 + 32 * at, 80 + 32 * at))!);
    moved.set(group.scalar.encode(group.scalar.add(mu[0]!, one)), 48);
    moved.set(group.scalar.encode(group.scalar.add(mu[1]!, group.scalar.negate(one))), 80);
    expect(await scheme.verify(keys.public, stored.fileTag, challenge, moved)).toMatchObject({ accepted: false });
    for (const fill of [new Uint8Array(128), random(128).map((byte, at) => (at % 32 === 0 ? 0 : byte))]) {
      const bent = proof.slice();
      bent.set(fill, 48);
      expect(await scheme.verify(keys.public, stored.fileTag, challenge, bent)).toMatchObject({ accepted: false });
    }
  });
});

describe("MHT-PA's tree", () => {
  const tagOf = async (key: ReturnType<typeof textbookKey>, block: Uint8Array) => {
    const leaf = await nodePrimitives.sha256(block);
    return { leaf, tag: textbookTag(group, key, leaf, sectors(block)) };
  };

  test('without positions lets another block answer, and an old signed root an old version', async () => {
    const key = textbookKey(group, 4, () => random(48));
    const owner = await nodePrimitives.ed25519.generate();
    const version = async (blocks: readonly Uint8Array[]) => {
      const made = await Promise.all(blocks.map((block) => tagOf(key, block)));
      const tree = await textbookTree(
        nodePrimitives,
        made.map(({ leaf }) => leaf),
      );
      return { blocks, made, tree, signature: await nodePrimitives.ed25519.sign(owner.secret, tree.root) };
    };
    type Version = Awaited<ReturnType<typeof version>>;
    /** The server answers with the blocks at `places`, and with the root that it says is signed. */
    async function answers({ blocks, made, tree, signature }: Version, places: readonly number[]): Promise<boolean> {
      const nu = places.map(() => scalarOf(random(16)));
      const mu = textbookSums(
        group,
        nu,
        places.map((at) => sectors(blocks[at]!)),
      );
      const sigma = aggregateTags(
        places.map((at) => made[at]!.tag),
        nu,
      );
      const paths = places.map(tree.path);
      // The paper's verifier:
      if (!(await nodePrimitives.ed25519.verify(owner.public, tree.root, signature))) return false;
      for (const path of paths) if (!(await leadsTo(nodePrimitives, tree.root, path))) return false;
      return textbookVerify(
        group,
        key,
        paths.map(({ leaf }) => leaf),
        nu,
        mu,
        sigma,
      );
    }
    const blocks = [0, 1, 2, 3].map(() => random(BLOCK_BYTES));
    const first = await version(blocks);
    expect(await answers(first, [0, 1])).toBe(true);
    // Asked for 0 and 1, of which 1 is lost.
    expect(await answers(first, [0, 2])).toBe(true);
    const second = await version([blocks[0]!, random(BLOCK_BYTES), blocks[2]!, blocks[3]!]);
    expect(await answers(second, [0, 1])).toBe(true);
    // Asked for 0 and 1 of the second version, the server has the first.
    expect(await answers(first, [0, 1])).toBe(true);
  });

  test('with ranks, and with a root that the verifier has, does neither', async () => {
    const { scheme, keys, tagged } = ours('mht-pa');
    const stored = await tagged(random(4 * BLOCK_BYTES));
    const ask = (indices: readonly number[]) =>
      scheme.challenge(keys.public, stored.fileTag, { kind: 'list', indices });
    const asked = await ask([0, 1]);
    const isMessage = (value: unknown): value is { selection: unknown } => typeof value === 'object';
    const message = decodeRecord(isMessage, asked.message)!;
    const substituted = encodeRecord({ ...message, selection: { kind: 'list', indices: [0, 2] } });
    for (const [what, accepted] of [
      [asked.message, true],
      [substituted, false],
    ] as const) {
      const proof = (await scheme.proof(keys.public, stored, what))!;
      expect(await scheme.verify(keys.public, stored.fileTag, asked, proof)).toMatchObject({ accepted });
    }
    // The old version with its own signed root: what the laws of dynamic schemes say for every change.
  });
});

describe('an auditor who guesses what a block holds', () => {
  const guesses = ['yes', 'no'].map((text) => new Uint8Array(Buffer.from(text.padEnd(BLOCK_BYTES))));

  test("finds out from the sigma of INFOCOM's form", () => {
    const key = textbookKey(group, 4, () => random(48));
    const label = uint64(0);
    // All that the auditor needs of the proof, which shows it beside R and masked mu: sigma.
    const sigma = textbookTag(group, key, label, sectors(guesses[1]!));
    const found = guesses.map((guess) => textbookVerify(group, key, [label], [number(1)], sectors(guess), sigma));
    expect(found).toEqual([false, true]);
  });

  /** The auditor's test: CPOR's equation for each guess in the data's place, with the point that a proof begins with. */
  async function fitting(name: 'cpor-public' | 'pppas'): Promise<readonly boolean[]> {
    const { scheme, keys, tagged } = ours(name);
    const stored = await tagged(guesses[1]!);
    const challenge = await scheme.challenge(keys.public, stored.fileTag, all);
    const proof = (await scheme.proof(keys.public, stored, challenge.message))!;
    const session = { file: stored.file, name: await fileName(primitives, stored.file) };
    const expansion = await expand(primitives, stored.file, openChallengeMessage(session, challenge.message)!);
    const nu = scalarOf(await takeCoefficient(expansion.coefficients()));
    const key = await (await lazyBlsKeys(primitives, name)()).openPublic(keys.public);
    const sigma = group.decodeG1(proof.slice(0, 48))!;
    const hashes = await hashSum(group, indexLabels(session.name, expansion));
    return guesses.map((guess) => {
      const mu = sectors(guess).map((sector) => group.scalar.multiply(nu, sector));
      return holds(group, key, { hashes, mu, sigma });
    });
  }
  test("finds out from CPOR's proof too, and from PPPAS's Sigma does not", async () => {
    expect(await fitting('cpor-public')).toEqual([false, true]);
    expect(await fitting('pppas')).toEqual([false, false]);
  });
});

describe('many proofs at once', () => {
  test.each(['cpor-public', 'dht-pa', 'mht-pa'] as const)('%s: get the verdicts that each alone gets', async (name) => {
    const { scheme, keys, tagged } = ours(name);
    const answers = await Promise.all(
      [1, 3, 2].map(async (blocks) => {
        const { fileTag, ...stored } = await tagged(random(blocks * BLOCK_BYTES));
        const challenge = await scheme.challenge(keys.public, fileTag, all);
        return {
          fileTag,
          challenge,
          proof: (await scheme.proof(keys.public, { fileTag, ...stored }, challenge.message))!,
        };
      }),
    );
    const [first, second, third] = answers as [(typeof answers)[0], (typeof answers)[0], (typeof answers)[0]];
    const bent = (proof: Uint8Array, at: number, by: number) =>
      proof.map((byte, place) => (place === at ? byte ^ by : byte));
    const sets = [
      [],
      [first],
      answers,
      [first, { ...second, proof: bent(second.proof, 79, 1) }, third],
      [{ ...first, proof: new Uint8Array(3) }, { ...second, fileTag: bent(second.fileTag, 50, 1) }, third],
      [
        { ...first, proof: second.proof },
        { ...second, proof: first.proof },
      ],
    ];
    for (const set of sets)
      for (const key of [keys.public, keys.secret])
        expect(await scheme.verifyBatch!(key, set)).toEqual(
          await Promise.all(set.map(({ fileTag, challenge, proof }) => scheme.verify(key, fileTag, challenge, proof))),
        );
    // Two wrong ones that make up for each other without weights.
    const moved = (proof: Uint8Array, point: G1) => {
      const out = proof.slice();
      out.set(group.encodeG1(group.add(group.decodeG1(proof.slice(0, 48))!, point)));
      return out;
    };
    const pair = [
      { ...first, proof: moved(first.proof, group.g1) },
      { ...third, proof: moved(third.proof, group.negate(group.g1)) },
    ];
    const wrong = { accepted: false, reason: 'wrong proof' };
    expect(await scheme.verifyBatch!(keys.public, pair)).toEqual([wrong, wrong]);
  });
});
