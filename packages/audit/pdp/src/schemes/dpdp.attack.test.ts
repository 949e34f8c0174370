import { expect, test } from 'vitest';
import { numberBytes, numberFrom } from '../arithmetic/modular.ts';
import { decodeRecord } from '../encoding.ts';
import { describeFile } from '../session/file-description.ts';
import { withFixedPrimes } from '../testing/fixed-primes.ts';
import { type MemoryFile, memoryFile, tagInMemory } from '../testing/memory-file.ts';
import { seededPrimitives } from '../testing/seeded-primitives.ts';
import { dpdp } from './dpdp.ts';

const SEED = 'dpdp attacks 1';
const primitives = withFixedPrimes(seededPrimitives(SEED));
const BLOCK_BYTES = 64;
const BLOCKS = 4;
type Group = Readonly<Record<'n' | 'order' | 'generator', Uint8Array>>;
const isSecret = (value: unknown): value is { readonly group: Group } => value !== null;

async function made() {
  const scheme = dpdp(primitives);
  const keys = await scheme.keyGen({ modulusBits: 512, insecure: true });
  const tag = async (data: Uint8Array) => {
    const wish = { scheme: 'dpdp', version: 1, blockBytes: BLOCK_BYTES, length: data.length };
    const stored = await tagInMemory(scheme, keys, describeFile(primitives, wish), data);
    await scheme.build(keys.public, stored);
    return stored;
  };
  async function passes(stored: MemoryFile, data: Uint8Array, tagBytes = stored.tagBytes): Promise<boolean> {
    const has = memoryFile(stored.file, data, tagBytes, stored.fileTag);
    // Of the tags that the owner made, or of what the server has now.
    await scheme.build(keys.public, tagBytes === stored.tagBytes ? { ...stored, nodes: has.nodes } : has);
    const challenge = await scheme.challenge(keys.public, stored.fileTag, { kind: 'sample', count: BLOCKS });
    const proof = (await scheme.proof(keys.public, has, challenge.message))!;
    return (await scheme.verify(keys.public, stored.fileTag, challenge, proof)).accepted;
  }
  return { scheme, keys, tag, passes, group: decodeRecord(isSecret, keys.secret)!.group };
}
const random = (): Uint8Array => primitives.random(BLOCKS * BLOCK_BYTES);

test(`a server that keeps blocks modulo N or a guess does not pass; with the order it would (seed "${SEED}")`, async () => {
  const { tag, passes, group } = await made();
  const stored = await tag(random());
  const keeps = (modulus: bigint): Uint8Array => {
    const out = new Uint8Array(stored.data.length);
    for (let at = 0; at < out.length; at += BLOCK_BYTES)
      out.set(numberBytes(numberFrom(stored.data.subarray(at, at + BLOCK_BYTES)) % modulus, BLOCK_BYTES), at);
    return out;
  };
  const [n, order] = [numberFrom(group.n), numberFrom(group.order)];
  for (const guess of [n >> 3n, order - 1n, 2n ** 256n]) expect(await passes(stored, keeps(guess))).toBe(false);
  expect(await passes(stored, keeps(order))).toBe(true);
});

test('tags without the list prove nothing: a server makes those of any data itself; the root does not know them', async () => {
  const { scheme, keys, tag, passes, group } = await made();
  const stored = await tag(random());
  const lie = random();
  // What PDP without a secret in its tags amounts to: T = g^m of whatever is there, as anybody computes it.
  const forged = stored.tagBytes.slice();
  const numbers = primitives.modulus(group.n);
  for (let at = 0; at < BLOCKS; at += 1)
    forged.set(
      await numbers.power(group.generator, lie.subarray(at * BLOCK_BYTES, (at + 1) * BLOCK_BYTES)),
      at * (BLOCK_BYTES + 1),
    );
  expect(forged).toEqual((await tag(lie)).tagBytes.map((byte, at) => (at % 65 === 64 ? forged[at]! : byte)));
  expect(await passes(stored, lie, forged)).toBe(false);
  expect(await passes(stored, stored.data)).toBe(true);
  expect(await scheme.blocks(keys.public, stored.fileTag)).toBe(BLOCKS);
});

test('to tag again under the same salt gives away that blocks are equal, and no more', async () => {
  const { scheme, keys, tag, passes } = await made();
  const [first, second] = [random(), random()];
  const stored = await tag(first);
  const again = await tagInMemory(scheme, keys, stored.file, second);
  expect((await tagInMemory(scheme, keys, stored.file, first)).tagBytes).toEqual(stored.tagBytes);
  expect(again.tagBytes).not.toEqual(stored.tagBytes);
  expect(await passes(stored, second, again.tagBytes)).toBe(false);
});
