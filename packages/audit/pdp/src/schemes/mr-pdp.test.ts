import { nodePrimitives } from '@cloister/crypto';
import { describe, expect, test } from 'vitest';
import type { KeyPair, Scheme } from '../scheme.ts';
import { describeFile } from '../session/file-description.ts';
import { withFixedPrimes } from '../testing/fixed-primes.ts';
import { type MemoryFile, memoryFile, tagInMemory } from '../testing/memory-file.ts';
import { schemeLaws } from '../testing/scheme-laws.ts';
import { mrPdp, type ReplicaScheme } from './mr-pdp.ts';

const small = { modulusBits: 512, insecure: true };
const BLOCK_BYTES = 64;

async function* once(bytes: Uint8Array) {
  yield bytes;
}
async function gather(pieces: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const all: Uint8Array[] = [];
  for await (const piece of pieces) all.push(piece.slice());
  return new Uint8Array(Buffer.concat(all));
}
const copyOf = (scheme: ReplicaScheme, keys: KeyPair, { file, data }: MemoryFile, number: number) =>
  gather(scheme.replica(keys.secret, file, number, once(data)));

schemeLaws('mr-pdp', {
  scheme: (primitives) => mrPdp(withFixedPrimes(primitives)),
  blockBytes: BLOCK_BYTES,
  keys: small,
  replica: {
    blockBytes: BLOCK_BYTES + 1,
    make: (scheme, keys, stored) => copyOf(scheme as ReplicaScheme, keys, stored, 0),
  },
});

describe('copies of one file', async () => {
  const scheme = mrPdp(withFixedPrimes(nodePrimitives));
  const keys = await scheme.keyGen(small);
  const data = nodePrimitives.random(5 * BLOCK_BYTES + 7);
  const file = describeFile(nodePrimitives, {
    scheme: 'mr-pdp',
    version: 1,
    blockBytes: BLOCK_BYTES,
    length: data.length,
  });
  const tagged = await tagInMemory(scheme, keys, file, data);
  const stored = async (number: number) =>
    memoryFile(file, await copyOf(scheme, keys, tagged, number), tagged.tagBytes, tagged.fileTag, BLOCK_BYTES + 1);
  async function verdict(asked: Scheme, answering: MemoryFile, prover = asked) {
    const challenge = await asked.challenge(keys.secret, tagged.fileTag, { kind: 'sample', count: 6 });
    const proof = await prover.proof(keys.public, answering, challenge.message);
    return proof && (await asked.verify(keys.secret, tagged.fileTag, challenge, proof)).accepted;
  }

  test('share the tags, and each answers for itself alone', async () => {
    const [first, second, third] = await Promise.all([0, 1, 2 ** 40].map(stored));
    for (const [number, copy] of [
      [0, first],
      [1, second],
      [2 ** 40, third],
    ] as const)
      expect(await verdict(scheme.ofReplica(number), copy!)).toBe(true);
    expect(await verdict(scheme.ofReplica(1), first!)).toBe(false);
    expect(await verdict(scheme.ofReplica(0), second!)).toBe(false);
    // Who has copy 0 is told that copy 1 is meant, and does not answer.
    expect(await verdict(scheme.ofReplica(1), first!, scheme.ofReplica(0))).toBeUndefined();
    expect(() => scheme.ofReplica(-1)).toThrow('No copy has the number -1');
  });

  test('give the file back, in pieces of any size', async () => {
    for (const length of [0, 1, BLOCK_BYTES, 5 * BLOCK_BYTES + 7]) {
      const part = data.subarray(0, length);
      const short = describeFile(nodePrimitives, { scheme: 'mr-pdp', version: 1, blockBytes: BLOCK_BYTES, length });
      const copy = await gather(scheme.replica(keys.secret, short, 3, once(part)));
      expect(copy.length).toBe(Math.max(1, Math.ceil(length / BLOCK_BYTES)) * scheme.replicaBlockBytes(short));
      async function* pieces() {
        for (let at = 0; at < copy.length; at += 17) yield copy.subarray(at, at + 17);
      }
      expect(await gather(scheme.recover(keys.secret, short, 3, pieces()))).toEqual(new Uint8Array(part));
      await expect(gather(scheme.recover(keys.secret, short, 3, once(copy.subarray(1))))).rejects.toMatchObject({
        code: 'length',
      });
    }
  });
});
