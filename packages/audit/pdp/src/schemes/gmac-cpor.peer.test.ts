import { execFileSync } from 'node:child_process';
import { nodePrimitives } from '@cloister/crypto';
import { expect, test } from 'vitest';
import { decodeRecord } from '../encoding.ts';
import { expand, openChallengeMessage } from '../session/challenge.ts';
import { blockCount, describeFile, fileName } from '../session/file-description.ts';
import { tagInMemory } from '../testing/memory-file.ts';
import { gmacCpor } from './gmac-cpor.ts';

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
const openssl = (arguments_: readonly string[], input: Uint8Array): string =>
  execFileSync('openssl', arguments_, { input, encoding: 'utf8', timeout: 10_000 }).trim().toLowerCase();
const hasSecret = (value: unknown): value is { readonly secret: Uint8Array } => value !== null;

test('tags are what `openssl mac` makes as GMAC', { timeout: 60_000 }, async () => {
  const scheme = gmacCpor(nodePrimitives);
  const keys = await scheme.keyGen();
  const data = nodePrimitives.random(3 * 80 + 5);
  const file = describeFile(nodePrimitives, { scheme: 'gmac-cpor', version: 3, blockBytes: 80, length: data.length });
  const stored = await tagInMemory(scheme, keys, file, data);

  const { secret } = decodeRecord(hasSecret, keys.secret)!;
  const label = Buffer.concat([Buffer.from('gmac-cpor tags'), await fileName(nodePrimitives, file)]);
  const key = openssl(['mac', '-digest', 'SHA256', '-macopt', `hexkey:${hex(secret)}`, '-in', '-', 'HMAC'], label);
  for (let index = 0; index < blockCount(file); index += 1) {
    const nonce = Buffer.alloc(12);
    nonce.writeBigUInt64BE(BigInt(index), 4);
    const options = ['-macopt', `hexkey:${key}`, '-macopt', `hexiv:${hex(nonce)}`];
    const padded = Buffer.alloc(80);
    padded.set(stored.block(index) as Uint8Array);
    expect(openssl(['mac', '-cipher', 'AES-256-GCM', ...options, '-in', '-', 'GMAC'], padded)).toBe(
      hex(stored.tags(16 * index, 16) as Uint8Array),
    );
  }
});

/** Sums over GF(2^128) with Python's integers: bit 0 of an element is the first bit of its first byte. */
const PROGRAM = `
import sys, json
q = json.load(sys.stdin)
number = lambda b: int(''.join(f'{x:08b}' for x in b)[::-1], 2)
octets = lambda v: bytes(int(f'{v:0128b}'[::-1][8 * i:8 * i + 8], 2) for i in range(16))
def product(a, b):
    v = 0
    for i in range(128):
        if a >> i & 1: v ^= b << i
    for i in range(254, 127, -1):
        if v >> i & 1: v ^= (1 << 128 | 0x87) << (i - 128)
    return v
rows = [[number(bytes.fromhex(r)[i:i + 16]) for i in range(0, len(r) // 2, 16)] for r in q['rows']]
nus = [number(bytes.fromhex(n)) for n in q['nus']]
sums = [0] * len(rows[0])
for nu, row in zip(nus, rows):
    for j, m in enumerate(row): sums[j] ^= product(nu, m)
print(b''.join(map(octets, sums)).hex())
`;

test("proofs are the sums that Python's integers make", { timeout: 60_000 }, async () => {
  const scheme = gmacCpor(nodePrimitives);
  const keys = await scheme.keyGen();
  const data = nodePrimitives.random(20 * 80 + 5);
  const file = describeFile(nodePrimitives, { scheme: 'gmac-cpor', version: 3, blockBytes: 80, length: data.length });
  const stored = await tagInMemory(scheme, keys, file, data);
  const challenge = await scheme.challenge(keys.secret, stored.fileTag, { kind: 'sample', count: 21 });
  const message = openChallengeMessage({ file, name: await fileName(nodePrimitives, file) }, challenge.message)!;
  const { indices, coefficients } = await expand(nodePrimitives, file, message);
  const rows = Array.from(indices, (index) => {
    const row = Buffer.alloc(96);
    row.set(stored.block(index) as Uint8Array);
    row.set(stored.tags(16 * index, 16) as Uint8Array, 80);
    return hex(row);
  });
  const nus = hex(await coefficients().bytes(21 * 16)).match(/.{32}/g);
  const input = JSON.stringify({ rows, nus });
  const theirs = execFileSync('python3', ['-c', PROGRAM], { input, encoding: 'utf8', timeout: 30_000 }).trim();
  expect(hex((await scheme.proof(keys.public, stored, challenge.message))!)).toBe(theirs);
});
