import { execFileSync } from 'node:child_process';
import { nodePrimitives } from '@cloister/crypto';
import { expect, test } from 'vitest';
import { decodeRecord } from '../encoding.ts';
import { expand, openChallengeMessage } from '../session/challenge.ts';
import { describeFile, fileName } from '../session/file-description.ts';
import { withFixedPrimes } from '../testing/fixed-primes.ts';
import { tagInMemory } from '../testing/memory-file.ts';
import { dpdp } from './dpdp.ts';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
type Group = Readonly<Record<'n' | 'generator', Uint8Array>>;
const isSecret = (value: unknown): value is { readonly group: Group } => value !== null;
interface Opened {
  readonly body: Uint8Array;
  readonly extra: Uint8Array;
  readonly digest: Uint8Array;
}
const isOpened = (value: unknown): value is Opened => value !== null;

/** Erway et al.'s tags and their skip list, by the definition: towers, of which the first highest one splits what follows. */
const PROGRAM = `
import sys, json, hashlib
q = json.load(sys.stdin)
number = lambda h: int.from_bytes(bytes.fromhex(h), 'big')
N, g, size = number(q['n']), number(q['generator']), len(q['n']) // 2
blocks = [bytes.fromhex(b) for b in q['blocks']]
T = [pow(g, int.from_bytes(b, 'big'), N) for b in blocks]
out = lambda v: v.to_bytes(size, 'big')
u64 = lambda v: v.to_bytes(8, 'big')
sha = lambda *parts: hashlib.sha256(b''.join(parts)).digest()
label = lambda level, leaves, length, digest: (level, leaves, length, digest)
packed = lambda f: bytes([f[0]]) + u64(f[1]) + u64(f[2]) + f[3]
towers = [(99, (0, 0, 0, bytes(32)))]
for h, t, b in zip(q['heights'], T, blocks):
    towers.append((h, (0, 1, len(b), sha(b'\\0', u64(len(b)), out(t)))))
def f(towers):
    if len(towers) == 1:
        return towers[0][1]
    top = max(h for h, _ in towers[1:])
    at = next(i for i, (h, _) in enumerate(towers) if i > 0 and h == top)
    down, right = f(towers[:at]), f(towers[at:])
    leaves, length = down[1] + right[1], down[2] + right[2]
    return (top + 1, leaves, length, sha(b'\\1', bytes([top]), u64(leaves), u64(length), packed(down), packed(right)))
a = [number(c) for c in q['a']]
M = sum(c * int.from_bytes(blocks[i], 'big') for c, i in zip(a, q['indices']))
product = 1
for c, i in zip(a, q['indices']):
    product = product * pow(T[i], c, N) % N
assert product == pow(g, M, N)
print(json.dumps({'tags': [out(t).hex() for t in T], 'root': f(towers)[3].hex(), 'sum': hex(M)}))
`;

test("tags, root and sum are what Python's integers and hashes make of the same key", { timeout: 60_000 }, async () => {
  const scheme = dpdp(withFixedPrimes(nodePrimitives));
  const keys = await scheme.keyGen();
  const data = nodePrimitives.random(60 * 50 + 7);
  const file = describeFile(nodePrimitives, { scheme: 'dpdp', version: 2, blockBytes: 50, length: data.length });
  const stored = await tagInMemory(scheme, keys, file, data);
  await scheme.build(keys.public, stored);
  const challenge = await scheme.challenge(keys.public, stored.fileTag, { kind: 'sample', count: 9 });
  const proof = (await scheme.proof(keys.public, stored, challenge.message))!;
  expect(await scheme.verify(keys.public, stored.fileTag, challenge, proof)).toEqual({ accepted: true });

  const { group } = decodeRecord(isSecret, keys.secret)!;
  const name = await fileName(nodePrimitives, file);
  // What is asked for is said of the file with as many whole blocks as it has.
  const present = { ...file, length: 61 * 50 };
  const message = openChallengeMessage({ file: present, name }, challenge.message)!;
  const { indices, coefficients } = await expand(nodePrimitives, present, message);
  const numbers = Array.from({ length: 61 }, (_, at) => at);
  const input = JSON.stringify({
    n: hex(group.n),
    generator: hex(group.generator),
    blocks: numbers.map((at) => hex(stored.block(at) as Uint8Array)),
    heights: numbers.map((at) => stored.tagBytes[at * 385 + 384]),
    indices: [...indices],
    a: hex(await coefficients().bytes(9 * 16)).match(/.{32}/g),
  });
  const theirs = JSON.parse(execFileSync('python3', ['-c', PROGRAM], { input, encoding: 'utf8', timeout: 30_000 }));
  expect(numbers.map((at) => hex(stored.tagBytes.subarray(at * 385, at * 385 + 384)))).toEqual(theirs.tags);
  const root = decodeRecord(isOpened, decodeRecord(isOpened, decodeRecord(isOpened, stored.fileTag)!.body)!.extra)!;
  expect(hex(root.digest)).toBe(theirs.root);
  const sum = proof.subarray(0, 2 * (25 + 12));
  expect(BigInt(`0x${hex(sum)}`)).toBe(BigInt(theirs.sum));
});
