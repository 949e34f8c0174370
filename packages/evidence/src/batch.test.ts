import { createHash } from 'node:crypto';
import { Sign1 } from '@auth0/cose';
import { decode, encode } from 'cborg';
import { describe, expect, test } from 'vitest';
import { randomFrom } from '../../protocol/src/testing/mutate.ts';
import { asSigned, verifyReceipt, withInclusion } from './index.ts';
import { testSigner } from './testing/test-signer.ts';

const SEED = 20261126;
const [one, other] = [testSigner(), testSigner()];

/** Receipts of two signers in turn, in a batch of the first. */
async function batchOf(size: number) {
  const receipts = await Promise.all(
    Array.from({ length: size }, (_, at) => (at % 2 === 0 ? one : other).receipt(at + 1)),
  );
  const inclusions = await one.batch(receipts);
  return { receipts, inclusions, whole: receipts.map((receipt, at) => withInclusion(receipt, inclusions[at]!)) };
}

type Proof = [size: number, index: number, path: Uint8Array[]];
const maps = { useMaps: true } as const;
/** The receipt of inclusion with another proof in it: all of it that its signature does not cover. */
function reproven(inclusion: Uint8Array, change: (proof: Proof) => Proof): Uint8Array {
  const parts = decode(inclusion.subarray(1), maps) as unknown[];
  const [proof] = (parts[1] as Map<number, Map<number, Uint8Array[]>>).get(396)!.get(-1)!;
  const changed = encode(change(decode(proof!) as Proof));
  parts[1] = new Map([[396, new Map([[-1, [changed]]])]]);
  return Uint8Array.from([0xd2, ...encode(parts)]);
}

describe('a batch', () => {
  test('each receipt of it verifies alone, and says where it stands and who signed the head', async () => {
    for (const size of [2, 3, 4, 5, 7, 8, 9, 33]) {
      const { whole, receipts } = await batchOf(size);
      const roots = new Set<string>();
      for (const [index, receipt] of whole.entries()) {
        const { fingerprint } = index % 2 === 0 ? one : other;
        const verified = verifyReceipt(receipt, fingerprint);
        expect(verified).toMatchObject({ ok: true, fingerprint });
        if (!verified.ok) continue;
        expect(verified.batch).toMatchObject({ index, head: { size }, fingerprint: one.fingerprint });
        expect(verified.claims.audit.number).toBe(index + 1);
        expect(asSigned(receipt)).toEqual(receipts[index]);
        roots.add(Buffer.from(verified.batch!.root).toString('hex'));
      }
      expect(roots.size).toBe(1);
    }
  });

  test(`no other proof passes, whatever the tree (seed ${SEED})`, async () => {
    const random = randomFrom(SEED);
    for (let turn = 0; turn < 15; turn += 1) {
      const size = 2 + random(30);
      const { receipts, inclusions, whole } = await batchOf(size);
      const at = random(size);
      const flawOf = (receipt: Uint8Array): string => {
        const verified = verifyReceipt(receipt);
        return verified.ok ? 'none' : verified.flaw;
      };
      const bent = (change: (proof: Proof) => Proof): string =>
        flawOf(withInclusion(receipts[at]!, reproven(inclusions[at]!, change)));
      const bit = (bytes: Uint8Array, where = random(bytes.length)): Uint8Array => {
        const copy = bytes.slice();
        copy[where]! ^= 1 << random(8);
        return copy;
      };
      const where = { seed: SEED, turn, size, at };
      const is = (what: string, flaw: string, ...flaws: readonly string[]): void =>
        expect(flaws, JSON.stringify({ ...where, what, flaw })).toContain(flaw);
      // The control: what changes nothing verifies.
      is(
        'nothing',
        bent((proof) => proof),
        'none',
      );
      const step = random(4);
      const paths: readonly (readonly [string, (path: Uint8Array[]) => Uint8Array[]])[] = [
        ['a bit of the path', (path) => path.map((hash, i) => (i === step % path.length ? bit(hash) : hash))],
        ['a shorter path', (path) => path.slice(0, -1)],
        ['a longer path', (path) => [...path, new Uint8Array(32)]],
        ['no path', () => []],
        ['a short hash', (path) => [path[0]!.subarray(1), ...path.slice(1)]],
      ];
      for (const [what, change] of paths)
        is(
          what,
          bent(([n, i, path]) => [n, i, change(path)]),
          'wrong batch',
        );
      for (let wrong = 0; wrong <= size + 1; wrong += 1)
        if (wrong !== at)
          is(
            `index ${wrong}`,
            bent(([n, , path]) => [n, wrong, path]),
            'wrong batch',
          );
      for (const wrong of [0, 1, size - 1, size + 1, 2 * size, 2 ** 40])
        is(
          `size ${wrong}`,
          bent(([, i, path]) => [wrong, i, path]),
          'wrong batch',
        );
      is(
        'negative',
        bent(([n, , path]) => [n, -1, path]),
        'wrong batch',
      );
      // Another leaf: its neighbour's receipt under this proof, and this one changed.
      is('leaf', flawOf(withInclusion(receipts[(at + 1) % size]!, inclusions[at]!)), 'wrong batch');
      is('bit', flawOf(bit(whole[at]!)), 'wrong batch', 'wrong signature', 'malformed');
      // Another head: of another batch of this size, and one that says another size.
      const foreign = await one.batch(await Promise.all(receipts.map((_, i) => other.receipt(100 + i))));
      is('head', flawOf(withInclusion(receipts[at]!, foreign[at]!)), 'wrong batch');
      const [head] = decode((await one.batch([...receipts, receipts[0]!]))[at]!.subarray(1), maps) as [Uint8Array];
      const parts = decode(inclusions[at]!.subarray(1), maps) as unknown[];
      const swapped = Uint8Array.from([0xd2, ...encode([head, ...parts.slice(1)])]);
      is('swapped header', flawOf(withInclusion(receipts[at]!, swapped)), 'wrong batch');
    }
  }, 60_000);

  test('what is attached is one receipt of inclusion, in the one way that there is', async () => {
    const { receipts, inclusions } = await batchOf(2);
    const [header, , payload, signature] = decode(receipts[0]!.subarray(1), maps) as unknown[];
    const withHeader = (map: Map<unknown, unknown>): Uint8Array =>
      Uint8Array.from([0xd2, ...encode([header, map, payload, signature])]);
    expect(verifyReceipt(withHeader(new Map([[394, [inclusions[0]]]])))).toMatchObject({ ok: true });
    for (const map of [
      new Map<unknown, unknown>([[394, []]]),
      new Map<unknown, unknown>([[394, [inclusions[0], inclusions[0]]]]),
      new Map<unknown, unknown>([[394, inclusions[0]]]),
      new Map<unknown, unknown>([
        [394, [inclusions[0]]],
        [5, 1],
      ]),
      new Map<unknown, unknown>([['receipts', [inclusions[0]]]]),
    ])
      expect(verifyReceipt(withHeader(map))).toEqual({ ok: false, flaw: 'malformed' });
    expect(verifyReceipt(withHeader(new Map([[394, [receipts[0]]]])))).toEqual({ ok: false, flaw: 'wrong batch' });
    // A receipt of inclusion is no receipt of an audit.
    expect(verifyReceipt(inclusions[0]!)).toEqual({ ok: false, flaw: 'malformed' });
  });
});

describe('another COSE library', () => {
  const receiptOf = (bytes: Uint8Array) => {
    const message = Sign1.decode(bytes);
    return { message, headers: message.protectedHeaders as unknown as Map<number, unknown> };
  };

  test('decodes and verifies a receipt, and its claims', async () => {
    const { message, headers } = receiptOf(await one.receipt(3));
    await message.verify(one.publicObject);
    await expect(message.verify(other.publicObject)).rejects.toThrow('signature verification failed');
    expect([headers.get(1), headers.get(3)]).toEqual([-8, 'application/eat+cwt']);
    const claims = decode(message.payload, maps) as Map<unknown, unknown>;
    expect(claims.get(265)).toBe('tag:cloister.invalid,2026:audit-receipt');
    expect((claims.get('audit') as Map<string, unknown>).get('number')).toBe(3);
  });

  test('decodes and verifies a COSE Receipt over the root that the leaf leads to', async () => {
    const { receipts, inclusions } = await batchOf(2);
    const { message, headers } = receiptOf(inclusions[0]!);
    expect(headers.get(395)).toBe(1);
    const proofs = (message.unprotectedHeaders as unknown as Map<number, Map<number, Uint8Array[]>>).get(396)!.get(-1)!;
    const [size, index, path] = decode(proofs[0]!) as Proof;
    expect([size, index, path.length]).toEqual([2, 0, 1]);
    const hash = (...parts: readonly Uint8Array[]) => createHash('sha256').update(Buffer.concat(parts)).digest();
    const root = hash(Uint8Array.of(1), hash(Uint8Array.of(0), receipts[0]!), path[0]!);
    await message.verify(one.publicObject, { detachedPayload: root });
    const wrong = message.verify(one.publicObject, { detachedPayload: hash(root) });
    await expect(wrong).rejects.toThrow('signature verification failed');
  });
});
