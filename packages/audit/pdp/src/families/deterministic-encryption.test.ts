import { nodePrimitives } from '@cloister/crypto';
import { expect, test } from 'vitest';
import { deterministicEncryption } from './deterministic-encryption.ts';

const encryption = await deterministicEncryption(nodePrimitives, new Uint8Array(32));
const header = Uint8Array.of(1, 2);
const value = new Uint8Array(32).map((_, at) => at);

test('opens under its header alone, and to the bit', async () => {
  const sealed = await encryption.seal(header, value);
  expect(sealed).toHaveLength(64);
  expect(await encryption.seal(header, value)).toEqual(sealed);
  expect(await encryption.open(header, sealed)).toEqual(value);
  expect(await encryption.open(Uint8Array.of(1, 3), sealed)).toBeUndefined();
  for (let at = 0; at < sealed.length; at += 1) {
    const bent = sealed.slice();
    bent[at]! ^= 1 << (at & 7);
    expect(await encryption.open(header, bent), `byte ${at}`).toBeUndefined();
  }
  for (const bytes of [new Uint8Array(0), sealed.subarray(1), Uint8Array.of(...sealed, 0)])
    expect(await encryption.open(header, bytes)).toBeUndefined();
  const other = await deterministicEncryption(nodePrimitives, new Uint8Array(32).fill(1));
  expect(await other.open(header, sealed)).toBeUndefined();
});

test('another header or value masks differently', async () => {
  const sealed = await encryption.seal(header, value);
  for (const other of [
    await encryption.seal(Uint8Array.of(1, 3), value),
    await encryption.seal(header, value.toReversed()),
  ]) {
    const differences = sealed.map((byte, at) => byte ^ other[at]!);
    expect(differences.filter((byte) => byte === 0).length).toBeLessThan(10);
  }
});
