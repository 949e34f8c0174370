import { execFileSync } from 'node:child_process';
import { createCipheriv } from 'node:crypto';
import { nodePrimitives } from '@cloister/crypto';
import { describe, expect, test } from 'vitest';
import { ascii, decodeRecord } from '../encoding.ts';
import type { Scheme } from '../scheme.ts';
import { challengeSecret, expand, openChallengeMessage } from '../session/challenge.ts';
import { blockCount, describeFile, fileName } from '../session/file-description.ts';
import { withFixedPrimes } from '../testing/fixed-primes.ts';
import { type MemoryFile, memoryFile, tagInMemory } from '../testing/memory-file.ts';
import { aPdp, ePdp } from './a-pdp.ts';
import { mrPdp, type ReplicaScheme } from './mr-pdp.ts';

const BLOCK_BYTES = 500;
const LENGTH = 20 * BLOCK_BYTES + 33;
const COUNT = 12;
const COPY = 5;

type Parts = Readonly<Record<'n' | 'e' | 'p' | 'q' | 'generator', Uint8Array>>;
const isSecret = (value: unknown): value is { readonly secret: Uint8Array; readonly parts: Parts } => value !== null;
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** Ateniese et al.'s and Curtmola et al.'s equations over Python's integers. Keys and what is drawn come in. */
const PROGRAM = `
import sys, json, hashlib
q = json.load(sys.stdin)
number = lambda h: int.from_bytes(bytes.fromhex(h), 'big')
N, e, g = number(q['n']), number(q['e']), number(q['generator'])
size = len(q['n']) // 2
p1, q1 = (number(q['p']) - 1) // 2, (number(q['q']) - 1) // 2
assert N == (2 * p1 + 1) * (2 * q1 + 1) and e > 2**128
assert pow(g, p1 * q1, N) == 1 and pow(g, p1, N) != 1 and pow(g, q1, N) != 1
d = pow(e, -1, p1 * q1)
h = [pow(number(r) % N, 2, N) for r in q['roots']]
tagged = [number(b) for b in q['tagged']]
T = [pow(h[i] * pow(g, tagged[i], N), d, N) for i in range(len(h))]
a = [number(c) for c in q['a']]
I = q['indices']
s = number(q['s']) | 1
gs = pow(g, s, N)
stored = [number(b) for b in q['stored']]
total, M = 1, 0
for c, i in zip(a, I):
    total = total * pow(T[i], c, N) % N
    M += c * stored[i]
H = lambda v: hashlib.sha256(v.to_bytes(size, 'big')).hexdigest()
rho = H(pow(gs, M, N))
tau = pow(total, e, N)
for c, i in zip(a, I):
    tau = tau * pow(h[i], -c, N) % N
    tau = tau * pow(g, c * (stored[i] - tagged[i]), N) % N
assert H(pow(tau, s, N)) == rho
out = lambda v: v.to_bytes(size, 'big').hex()
print(json.dumps({'tags': ''.join(map(out, T)), 'gs': out(gs), 'proof': out(total) + rho}))
`;

/** AES-256-CTR with index i in the first half of its counter. */
function streamOf(key: Uint8Array, index: number, length: number): Buffer {
  const counter = Buffer.alloc(16);
  counter.writeBigUInt64BE(BigInt(index));
  return createCipheriv('aes-256-ctr', key, counter).update(Buffer.alloc(length));
}

describe.each([
  ['a-pdp', aPdp],
  ['e-pdp', ePdp],
  ['mr-pdp', mrPdp],
] as const)("%s: what Python's integers make", (name, make) => {
  test.each([1024, 3072])('with the same key of %s bits', { timeout: 120_000 }, async (modulusBits) => {
    const family: Scheme = make(withFixedPrimes(nodePrimitives));
    const keys = await family.keyGen({ modulusBits, insecure: true });
    const data = nodePrimitives.random(LENGTH);
    const file = describeFile(nodePrimitives, { scheme: name, version: 3, blockBytes: BLOCK_BYTES, length: LENGTH });
    const tagged = await tagInMemory(family, keys, file, data);

    const { secret, parts } = decodeRecord(isSecret, keys.secret)!;
    const session = await fileName(nodePrimitives, file);
    const sessionKey = async (purpose: string) =>
      nodePrimitives.hmacSha256(secret)(ascii(`${name} ${purpose}`), session);
    const numbers = Array.from({ length: blockCount(file) }, (_, at) => at);
    const isReplica = name === 'mr-pdp';
    const scheme = isReplica ? (family as ReplicaScheme).ofReplica(COPY) : family;
    let stored: MemoryFile = tagged;
    let plain = numbers.map((index) => hex(tagged.block(index) as Uint8Array));
    if (isReplica) {
      const key = await sessionKey('K');
      const padded = Buffer.concat([data, Buffer.alloc(BLOCK_BYTES)]);
      plain = numbers.map((index) => {
        const stream = streamOf(key, index, BLOCK_BYTES);
        return hex(stream.map((byte, at) => byte ^ padded[index * BLOCK_BYTES + at]!));
      });
      const z = await sessionKey(`z ${COPY}`);
      const copy = numbers.map((index) =>
        (BigInt(`0x${plain[index]}`) + BigInt(`0x${hex(streamOf(z, index, BLOCK_BYTES))}`))
          .toString(16)
          .padStart(2 * BLOCK_BYTES + 2, '0'),
      );
      const bytes = new Uint8Array(Buffer.from(copy.join(''), 'hex'));
      stored = memoryFile(file, bytes, tagged.tagBytes, tagged.fileTag, BLOCK_BYTES + 1);
    }

    const challenge = await scheme.challenge(keys.secret, tagged.fileTag, { kind: 'sample', count: COUNT });
    const proof = (await scheme.proof(keys.public, stored, challenge.message))!;
    expect(await scheme.verify(keys.secret, tagged.fileTag, challenge, proof)).toEqual({ accepted: true });

    const message = openChallengeMessage({ file, name: session }, challenge.message)!;
    const { indices, coefficients } = await expand(nodePrimitives, file, message);
    const drawn = hex(await coefficients().bytes(COUNT * 16)).match(/.{32}/g)!;
    const v = await sessionKey('v');
    const s = createCipheriv(
      'aes-256-ctr',
      await challengeSecret(nodePrimitives, challenge.seed, 's'),
      Buffer.alloc(16),
    ).update(Buffer.alloc(modulusBits / 8));
    const input = JSON.stringify({
      ...Object.fromEntries(Object.entries(parts).map(([part, bytes]) => [part, hex(bytes)])),
      roots: numbers.map((index) => hex(streamOf(v, index, modulusBits / 8 + 16))),
      tagged: plain,
      stored: numbers.map((index) => hex(stored.block(index) as Uint8Array)),
      indices: [...indices],
      a: name === 'e-pdp' ? drawn.map(() => '01') : drawn,
      s: hex(s),
    });
    const theirs = JSON.parse(execFileSync('python3', ['-c', PROGRAM], { input, encoding: 'utf8', timeout: 60_000 }));
    expect(hex(tagged.tagBytes)).toBe(theirs.tags);
    expect(hex(message.extra.subarray(-modulusBits / 8))).toBe(theirs.gs);
    expect(hex(proof)).toBe(theirs.proof);
  });
});
