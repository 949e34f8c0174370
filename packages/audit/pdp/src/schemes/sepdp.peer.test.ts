import { execFileSync } from 'node:child_process';
import { nodePrimitives } from '@cloister/crypto';
import { expect, test } from 'vitest';
import { decodeRecord, uint64 } from '../encoding.ts';
import { tokenIndices } from '../families/token-schedule.ts';
import { describeFile, fileName } from '../session/file-description.ts';
import { tagInMemory } from '../testing/memory-file.ts';
import { sepdp } from './sepdp.ts';

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
const hasSecret = (value: unknown): value is { readonly secret: Uint8Array } => value !== null;

/** Tokens and values with Python's hashlib and hmac, from the master key on. */
const PROGRAM = `
import sys, json, hmac, hashlib
q = json.load(sys.stdin)
F = lambda k, *m: hmac.new(k, b''.join(m), 'sha256').digest()
u64 = lambda n: n.to_bytes(8, 'big')
master, name = bytes.fromhex(q['master']), bytes.fromhex(q['name'])
W, Z, K = (F(master, b'sepdp ' + p, name) for p in (b'W', b'Z', b'K'))
authenticate, mask = F(K, b'authenticate'), F(K, b'mask')
out = []
for i, indices in enumerate(q['indices']):
    v = F(Z, u64(i))
    for j in indices:
        v = hashlib.sha256(v + bytes.fromhex(q['blocks'][j])).digest()
    iv = F(authenticate, u64(i), v)
    out.append({'k': F(W, u64(i)).hex(), 'z': v.hex(), 'sealed': (iv + bytes(a ^ b for a, b in zip(v, F(mask, iv)))).hex()})
print(json.dumps(out))
`;

test("tokens are what Python's hashes make with the keys that it derives", { timeout: 60_000 }, async () => {
  const settings = { tokens: 4, blocksPerToken: 6 };
  const scheme = sepdp(nodePrimitives, settings);
  const keys = await scheme.keyGen();
  const data = nodePrimitives.random(20 * 64 + 5);
  const file = describeFile(nodePrimitives, { scheme: 'sepdp', version: 3, blockBytes: 64, length: data.length });
  const stored = await tagInMemory(scheme, keys, file, data);

  const { secret } = decodeRecord(hasSecret, keys.secret)!;
  const name = await fileName(nodePrimitives, file);
  const w = await nodePrimitives.hmacSha256(secret)(Buffer.from('sepdp W'), name);
  const questions = [0, 1, 2, 3].map((token) => nodePrimitives.hmacSha256(w)(uint64(token)) as Uint8Array);
  const indices = await Promise.all(questions.map((k) => tokenIndices(nodePrimitives, k, 21, settings)));
  const blocks = Array.from({ length: 21 }, (_, at) => hex(stored.block(at) as Uint8Array));
  const input = JSON.stringify({ master: hex(secret), name: hex(name), indices, blocks });
  const theirs = JSON.parse(execFileSync('python3', ['-c', PROGRAM], { input, encoding: 'utf8', timeout: 30_000 }));
  for (const [token, { k, z, sealed }] of theirs.entries()) {
    expect(k).toBe(hex(questions[token]!));
    expect(sealed).toBe(hex(stored.tags(64 * token, 64) as Uint8Array));
    const challenge = await scheme.challenge(keys.secret, stored.fileTag, { kind: 'token', token });
    expect(hex((await scheme.proof(keys.public, stored, challenge.message))!)).toBe(z + sealed);
  }
});
