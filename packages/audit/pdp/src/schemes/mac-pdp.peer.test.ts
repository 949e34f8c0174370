import { execFileSync } from 'node:child_process';
import { nodePrimitives } from '@cloister/crypto';
import { expect, test } from 'vitest';
import { decodeRecord } from '../encoding.ts';
import { blockCount, describeFile, fileName } from '../session/file-description.ts';
import { tagInMemory } from '../testing/memory-file.ts';
import { macPdp } from './mac-pdp.ts';

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
const openssl = (arguments_: readonly string[], input: Uint8Array): string =>
  execFileSync('openssl', arguments_, { input, encoding: 'utf8', timeout: 10_000 }).trim();
const hmac = (key: string, input: Uint8Array): string =>
  openssl(['mac', '-digest', 'SHA256', '-macopt', `hexkey:${key}`, '-in', '-', 'HMAC'], input).toLowerCase();
const hasSecret = (value: unknown): value is { readonly secret: Uint8Array } => value !== null;

test('tags are what `openssl mac` makes with the key that it derives', { timeout: 60_000 }, async () => {
  const scheme = macPdp(nodePrimitives);
  const keys = await scheme.keyGen();
  const data = nodePrimitives.random(3 * 64 + 5);
  const file = describeFile(nodePrimitives, { scheme: 'mac-pdp', version: 3, blockBytes: 64, length: data.length });
  const stored = await tagInMemory(scheme, keys, file, data);

  const { secret } = decodeRecord(hasSecret, keys.secret)!;
  const name = await fileName(nodePrimitives, file);
  const key = hmac(hex(secret), Buffer.concat([Buffer.from('mac-pdp tags'), name]));
  for (let index = 0; index < blockCount(file); index += 1) {
    const place = Buffer.alloc(8);
    place.writeBigUInt64BE(BigInt(index));
    expect(hmac(key, Buffer.concat([place, stored.block(index) as Uint8Array]))).toBe(
      hex(stored.tags(32 * index, 32) as Uint8Array),
    );
  }
});
