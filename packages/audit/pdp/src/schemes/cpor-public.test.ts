import { createCipheriv, createHash, createHmac } from 'node:crypto';
import { bls12_381 as peer } from '@noble/curves/bls12-381.js';
import { decode } from 'cborg';
import { expect, test } from 'vitest';
import { lazyBlsKeys } from '../families/bls-keys.ts';
import { describeFile } from '../session/file-description.ts';
import { tagInMemory } from '../testing/memory-file.ts';
import { schemeLaws } from '../testing/scheme-laws.ts';
import { seededPrimitives } from '../testing/seeded-primitives.ts';
import { cporPublic } from './cpor-public.ts';

schemeLaws('cpor-public', { scheme: cporPublic, blockBytes: 64, keys: { blockBytes: 64 } });

test('a proof verifies with another library, from the docstring and the bytes alone (seed "cpor peer 1")', async () => {
  const primitives = seededPrimitives('cpor peer 1');
  const scheme = cporPublic(primitives);
  const keys = await scheme.keyGen({ blockBytes: 70 });
  const data = primitives.random(4 * 70 + 9);
  const wish = { scheme: 'cpor-public', version: 1, blockBytes: 70, length: data.length };
  const stored = await tagInMemory(scheme, keys, describeFile(primitives, wish), data);
  const indices = [0, 2, 4];
  const challenge = await scheme.challenge(keys.public, stored.fileTag, { kind: 'list', indices });
  const proof = (await scheme.proof(keys.public, stored, challenge.message))!;

  const Point1 = peer.G1.Point;
  const point1 = (bytes: Uint8Array) => Point1.fromBytes(bytes);
  const big = (bytes: Uint8Array) => BigInt(`0x${Buffer.from(bytes).toString('hex')}`);
  const key = decode(keys.public) as { v: Uint8Array; u: Uint8Array };
  const { body } = decode(stored.fileTag) as { body: Uint8Array };
  const { file } = decode(body) as { file: object };
  const { seed, name } = decode(challenge.message) as { seed: Uint8Array; name: Uint8Array };
  // The name is the hash of the description as the file tag holds it: a map of six, between the keys "file" and "extra" (no bytes).
  expect(Object.keys(file)).toHaveLength(6);
  const described = body.subarray(body.indexOf(0xa6), -7);
  expect(createHash('sha256').update(described).digest()).toEqual(Buffer.from(name));

  const stream = createCipheriv(
    'aes-256-ctr',
    createHmac('sha256', seed).update('coefficients').update(name).digest(),
    new Uint8Array(16),
  ).update(new Uint8Array(16 * indices.length));
  const nu = indices.map((_, place) => big(stream.subarray(16 * place, 16 * place + 16).reverse()));
  const index = (value: number) => Buffer.from(value.toString(16).padStart(16, '0'), 'hex');
  const DST = 'CLOISTER-PDP-V01-CS01-with-BLS12381G1_XMD:SHA-256_SSWU_RO_';
  let sum = Point1.ZERO;
  indices.forEach((block, place) => {
    const hashed = peer.G1.hashToCurve(Buffer.concat([name, index(block)]), { DST });
    sum = sum.add(hashed.multiply(nu[place]!));
  });
  expect(proof.length).toBe(48 + 3 * 32);
  for (const sector of [0, 1, 2]) {
    const mu = big(proof.subarray(48 + 32 * sector, 80 + 32 * sector));
    const own = indices.map((block, place) => {
      const bytes = data.slice(block * 70, (block + 1) * 70).slice(sector * 31, (sector + 1) * 31);
      return bytes.length === 0 ? 0n : nu[place]! * big(bytes.reverse());
    });
    expect(mu).toBe(own.reduce((total, term) => total + term) % peer.fields.Fr.ORDER);
    if (mu > 0n) sum = sum.add(point1(key.u.subarray(48 * sector, 48 * sector + 48)).multiply(mu));
  }
  const product = peer.pairingBatch([
    { g1: point1(proof.subarray(0, 48)), g2: peer.G2.Point.BASE },
    { g1: sum.negate(), g2: peer.G2.Point.fromBytes(key.v) },
  ]);
  expect(peer.fields.Fp12.eql(product, peer.fields.Fp12.ONE)).toBe(true);
});

test('a file of 1 TiB is answered for at any of its ends', async () => {
  const primitives = seededPrimitives('cpor 1 TiB');
  const scheme = cporPublic(primitives);
  const keys = await scheme.keyGen({ blockBytes: 64 });
  const file = describeFile(primitives, { scheme: 'cpor-public', version: 1, blockBytes: 64, length: 2 ** 40 });
  const bls = await lazyBlsKeys(primitives, 'cpor-public')();
  const fileTag = await bls.signFileTag(await bls.openSecret(keys.secret), file, new Uint8Array(0));
  const tagger = await scheme.blockTags!.tagger(keys.secret, file);
  const block = (index: number) => new Uint8Array(64).fill(index % 251);
  const stored = { fileTag, block, tags: (offset: number) => tagger(offset / 48, block(offset / 48)) };
  const last = 2 ** 34 - 1;
  for (const selection of [
    { kind: 'sample', count: 3 },
    { kind: 'list', indices: [0, 2 ** 33, last] },
    { kind: 'range', first: last - 1, count: 2 },
  ] as const) {
    const challenge = await scheme.challenge(keys.public, fileTag, selection);
    const proof = (await scheme.proof(keys.public, stored, challenge.message))!;
    expect(await scheme.verify(keys.public, fileTag, challenge, proof)).toEqual({ accepted: true });
    const moved = { ...stored, block: (index: number) => block(index === last ? 0 : index) };
    const wrong = (await scheme.proof(keys.public, moved, challenge.message))!;
    if (selection.kind !== 'sample')
      expect(await scheme.verify(keys.public, fileTag, challenge, wrong)).toMatchObject({ accepted: false });
  }
});
