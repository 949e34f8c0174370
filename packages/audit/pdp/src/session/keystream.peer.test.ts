import { execFileSync } from 'node:child_process';
import { nodePrimitives } from '@cloister/crypto';
import { expect, test } from 'vitest';
import { keystream } from './keystream.ts';

test('the bytes are those that `openssl enc -aes-256-ctr` makes of zeros', async () => {
  const key = nodePrimitives.random(32);
  const arguments_ = ['enc', '-aes-256-ctr', '-K', Buffer.from(key).toString('hex'), '-iv', '0'.repeat(32)];
  const theirs = execFileSync('openssl', arguments_, { input: Buffer.alloc(10_000), timeout: 10_000 });
  const stream = keystream(nodePrimitives, key);
  const ours = Buffer.concat([await stream.bytes(5), await stream.bytes(9_000), await stream.bytes(995)]);
  expect(ours.equals(theirs)).toBe(true);
});
