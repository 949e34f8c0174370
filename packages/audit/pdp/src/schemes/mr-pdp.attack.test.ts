import { expect, test } from 'vitest';
import { numberBytes, numberFrom } from '../arithmetic/modular.ts';
import { decodeRecord } from '../encoding.ts';
import { privateKeys } from '../families/private-keys.ts';
import { rsaKeys } from '../families/rsa-group.ts';
import { describeFile } from '../session/file-description.ts';
import { indexedKeystream } from '../session/keystream.ts';
import { withFixedPrimes } from '../testing/fixed-primes.ts';
import { memoryFile, tagInMemory } from '../testing/memory-file.ts';
import { seededPrimitives } from '../testing/seeded-primitives.ts';
import { power, textbookAPdp } from '../testing/textbook/a-pdp.ts';
import { mrPdp } from './mr-pdp.ts';

const SEED = 'mr-pdp attacks 1';
const primitives = withFixedPrimes(seededPrimitives(SEED));
const BLOCK_BYTES = 64;
const BLOCKS = 300;

type Parts = Readonly<Record<'n' | 'e' | 'd' | 'order' | 'generator', Uint8Array>>;
const isOpened = (value: unknown): value is { parts: Parts } => value !== null;

async function made() {
  const scheme = mrPdp(primitives);
  const keys = await scheme.keyGen({ modulusBits: 512, insecure: true });
  const data = primitives.random(BLOCKS * BLOCK_BYTES);
  const wish = { scheme: 'mr-pdp', version: 1, blockBytes: BLOCK_BYTES, length: data.length };
  const tagged = await tagInMemory(scheme, keys, describeFile(primitives, wish), data);
  const replica = async (number: number) => {
    const blocks: Uint8Array[] = [];
    async function* source() {
      yield data;
    }
    for await (const block of scheme.replica(keys.secret, tagged.file, number, source())) blocks.push(block);
    return blocks;
  };
  return { scheme, keys, data, tagged, replica };
}

/** libpdp's mask: 20 bytes, from the number of the copy and one byte of the index. */
const stubMask = async (copy: number, index: number): Promise<bigint> =>
  numberFrom((await primitives.sha256(Uint8Array.of(copy, index & 255))).subarray(0, 20));

test(`libpdp: copies differ in 20 bytes, so that one copy is kept for all (seed "${SEED}")`, async () => {
  const b = numberFrom(primitives.random(BLOCK_BYTES));
  const [one, two] = [b + (await stubMask(1, 0)), b + (await stubMask(2, 0))].map((m) =>
    numberBytes(m, BLOCK_BYTES + 1),
  );
  expect(one!.subarray(0, BLOCK_BYTES - 20)).toEqual(two!.subarray(0, BLOCK_BYTES - 20));
  expect(await stubMask(1, 3)).toBe(await stubMask(1, 3 + 256));

  const { replica } = await made();
  const [first, second] = [await replica(1), await replica(2)];
  for (let part = 1; part < BLOCK_BYTES; part += 16) {
    const pieces = [...first, ...second].map((block) => Buffer.from(block.subarray(part, part + 16)).toString('hex'));
    expect(new Set(pieces).size).toBe(2 * BLOCKS);
  }
});

test('libpdp: without the masks in Verify, who has the file itself passes for every copy', async () => {
  const { scheme, keys, tagged, replica } = await made();
  const { parts } = decodeRecord(isOpened, keys.secret)!;
  const [n, g, e, d, order] = [parts.n, parts.generator, parts.e, parts.d, parts.order].map(numberFrom) as bigint[];
  const textbook = textbookAPdp({ n: n!, g: g!, e: e!, d: d! }, order!);
  const b = [numberFrom(primitives.random(BLOCK_BYTES))];
  expect(textbook.verify([7n], 3n, textbook.prove(b, [textbook.tag(0, b[0]!)], [7n], power(g!, 3n, n!)))).toBe(true);

  // Ours: b itself, which nobody but the owner has, passes for no copy; with the masks it is one.
  const session = await privateKeys(primitives, 'mr-pdp', rsaKeys(primitives)).session(keys.secret, tagged.file);
  const streamOf = indexedKeystream(primitives, await session.key('K'));
  const maskOf = indexedKeystream(primitives, await session.key('z 1'));
  const encrypted = withCarry(tagged.data);
  for (let index = 0; index < BLOCKS; index += 1) {
    const block = encrypted.subarray(index * (BLOCK_BYTES + 1) + 1, (index + 1) * (BLOCK_BYTES + 1));
    (await streamOf(index, BLOCK_BYTES)).forEach((byte, at) => void (block[at]! ^= byte));
  }
  const masked = numberFrom(encrypted.subarray(0, BLOCK_BYTES + 1)) + numberFrom(await maskOf(0, BLOCK_BYTES));
  expect(numberBytes(masked, BLOCK_BYTES + 1)).toEqual((await replica(1))[0]);
  for (const number of [0, 1, 2]) {
    const copy = scheme.ofReplica(number);
    const challenge = await copy.challenge(keys.secret, tagged.fileTag, { kind: 'sample', count: 20 });
    for (const data of [encrypted, withCarry(tagged.data)]) {
      const has = memoryFile(tagged.file, data, tagged.tagBytes, tagged.fileTag, BLOCK_BYTES + 1);
      const proof = (await copy.proof(keys.public, has, challenge.message))!;
      expect((await copy.verify(keys.secret, tagged.fileTag, challenge, proof)).accepted).toBe(false);
    }
  }
});

/** The file as a copy would be laid out. */
function withCarry(data: Uint8Array): Uint8Array {
  const out = new Uint8Array(BLOCKS * (BLOCK_BYTES + 1));
  for (let at = 0; at < BLOCKS; at += 1)
    out.set(data.subarray(at * BLOCK_BYTES, (at + 1) * BLOCK_BYTES), at * (BLOCK_BYTES + 1) + 1);
  return out;
}
