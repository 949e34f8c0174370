import { execFileSync } from 'node:child_process';
import { createCipheriv } from 'node:crypto';
import { nodePrimitives } from '@cloister/crypto';
import { expect, test } from 'vitest';
import { ascii, decodeRecord } from '../encoding.ts';
import { expand, openChallengeMessage } from '../session/challenge.ts';
import { blockCount, describeFile, fileName } from '../session/file-description.ts';
import { tagInMemory } from '../testing/memory-file.ts';
import { cporPrivate } from './cpor-private.ts';

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
const hasSecret = (value: unknown): value is { readonly secret: Uint8Array } => value !== null;

/** Shacham and Waters' equations over Python's integers. The keys of the session come in, bytes are little-endian. */
const PROGRAM = `
import sys, json
q = json.load(sys.stdin)
p = 2**127 - 1
number = lambda h: int.from_bytes(bytes.fromhex(h), 'little')
low = lambda h: number(h) % 2**127
alphas = [low(a) for a in q['alphas']]
f = [low(a) ^ low(b) for a, b in q['f']]
sectors = [[number(b[30 * j:30 * j + 30]) if b[30 * j:30 * j + 30] else 0 for j in range(len(alphas))] for b in q['blocks']]
sigma = [(f[i] + sum(a * m for a, m in zip(alphas, sectors[i]))) % p for i in range(len(f))]
nu = [low(n) for n in q['nu']]
I = q['indices']
mu = [sum(n * sectors[i][j] for n, i in zip(nu, I)) % p for j in range(len(alphas))]
total = sum(n * sigma[i] for n, i in zip(nu, I)) % p
assert total == (sum(n * f[i] for n, i in zip(nu, I)) + sum(a * m for a, m in zip(alphas, mu))) % p
out = lambda v: v.to_bytes(16, 'little').hex()
print(json.dumps({'tags': ''.join(map(out, sigma)), 'proof': ''.join(map(out, mu + [total]))}))
`;

test("tags and proofs are what Python's integers make with the keys that it derives", { timeout: 60_000 }, async () => {
  const scheme = cporPrivate(nodePrimitives);
  const keys = await scheme.keyGen();
  const data = nodePrimitives.random(20 * 100 + 33);
  const file = describeFile(nodePrimitives, {
    scheme: 'cpor-private',
    version: 3,
    blockBytes: 100,
    length: data.length,
  });
  const stored = await tagInMemory(scheme, keys, file, data);
  const challenge = await scheme.challenge(keys.secret, stored.fileTag, { kind: 'sample', count: 12 });
  const proof = (await scheme.proof(keys.public, stored, challenge.message))!;

  const { secret } = decodeRecord(hasSecret, keys.secret)!;
  const name = await fileName(nodePrimitives, file);
  const sessionKey = async (purpose: string) =>
    nodePrimitives.hmacSha256(secret)(ascii(`cpor-private ${purpose}`), name);
  const stream = createCipheriv('aes-256-ctr', await sessionKey('alphas'), Buffer.alloc(16)).update(
    Buffer.alloc(7 * 16),
  );
  const aes = await sessionKey('f');
  const permuted = (half: number, index: number) => {
    const input = Buffer.alloc(16);
    input[0] = half;
    input.writeBigUInt64BE(BigInt(index), 8);
    return createCipheriv('aes-256-ecb', aes, null).update(input).toString('hex');
  };
  const message = openChallengeMessage({ file, name }, challenge.message)!;
  const { indices, coefficients } = await expand(nodePrimitives, file, message);
  const nus = hex(await coefficients().bytes(12 * 16));
  const every = (text: string, length: number) => text.match(new RegExp(`.{${length}}`, 'g'))!;
  const numbers = Array.from({ length: blockCount(file) }, (_, at) => at);
  const input = JSON.stringify({
    alphas: every(stream.toString('hex'), 32),
    f: numbers.map((index) => [permuted(0, index), permuted(1, index)]),
    blocks: numbers.map((index) => hex(stored.block(index) as Uint8Array)),
    nu: every(nus, 32),
    indices: [...indices],
  });
  const theirs = JSON.parse(execFileSync('python3', ['-c', PROGRAM], { input, encoding: 'utf8', timeout: 30_000 }));
  expect(hex(stored.tagBytes)).toBe(theirs.tags);
  expect(hex(proof)).toBe(theirs.proof);
});
