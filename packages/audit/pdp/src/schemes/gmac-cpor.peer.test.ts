import { execFileSync } from 'node:child_process';
import { nodePrimitives } from '@cloister/crypto';
import { expect, test } from 'vitest';
import { decodeRecord } from '../encoding.ts';
import { blockCount, describeFile, fileName } from '../file-description.ts';
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
