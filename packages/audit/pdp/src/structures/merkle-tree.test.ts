import { nodePrimitives } from '@cloister/crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { memoryNodes } from '../testing/memory-nodes.ts';
import { isLeafChange, type LeafChange, type MerkleRoot, merkleTree } from './merkle-tree.ts';

const tree = merkleTree({
  ...nodePrimitives,
  sha256: async (...parts) => new Uint8Array(await nodePrimitives.sha256(...parts)),
});
const leafOf = (value: number): Promise<Uint8Array> => tree.leaf(Uint8Array.of(value & 255, value >> 8));
async function* each(digests: readonly Uint8Array[]) {
  yield* digests;
}
async function leavesOf(count: number): Promise<Uint8Array[]> {
  return Promise.all(Array.from({ length: count }, (_, at) => leafOf(at)));
}
async function grown(count: number) {
  const leaves = await leavesOf(count);
  const store = memoryNodes();
  return { leaves, store, root: await tree.build(count, each(leaves), store) };
}

test('every leaf is proven at its own index, alone and with others', async () => {
  for (const count of [1, 2, 3, 4, 5, 7, 8, 9, 33]) {
    const { leaves, store, root } = await grown(count);
    expect(await tree.build(count, each(leaves))).toEqual(root);
    expect(await tree.root(store)).toEqual(root);
    const all = leaves.map((_, at) => at);
    const sets = [...all.map((at) => [at]), all, all.filter((at) => at % 3 === 1), [0, count - 1].slice(0, count)];
    for (const indices of sets) {
      const proof = await tree.prove(store, indices);
      expect(await tree.verify(root, indices, proof)).toEqual(indices.map((at) => leaves[at]));
      // The other leaf of a pair has the same proof, and is what it is.
      for (const other of all.filter((at) => !indices.includes(at)))
        expect([undefined, [leaves[other]]]).toContainEqual(await tree.verify(root, [other], proof));
    }
  }
});

test('the digests are those of the docstring', async () => {
  const { leaves, root } = await grown(3);
  const rank = (value: number) => Uint8Array.of(0, 0, 0, 0, 0, 0, 0, value);
  const sha256 = async (...parts: Uint8Array[]) => new Uint8Array(await nodePrimitives.sha256(...parts));
  const node = (...parts: Uint8Array[]) => sha256(Uint8Array.of(1), ...parts);
  const left = await node(rank(1), leaves[0]!, rank(1), leaves[1]!);
  expect(root).toEqual({ leaves: 3, digest: await node(rank(2), left, rank(1), leaves[2]!) });
  expect(leaves[0]).toEqual(await sha256(Uint8Array.of(0, 0, 0)));
});

test('a proof is believed to the bit and to its length, of a read and of an update', async () => {
  const { leaves, store, root } = await grown(21);
  const indices = [2, 3, 11];
  const read = await tree.prove(store, indices);
  const change: LeafChange = { kind: 'insert', index: 7, leaf: await leafOf(99) };
  const update = await tree.update(memoryNodes([...store.records]), change);
  const forged = async (proof: Uint8Array) => [
    await tree.verify(root, indices, proof),
    await tree.verifyUpdate(root, change, proof),
  ];
  expect(await forged(read)).toEqual([indices.map((at) => leaves[at]), undefined]);
  for (const proof of [read, update]) {
    for (let bit = 0; bit < proof.length * 8; bit += 1) {
      const bent = proof.slice();
      bent[bit >> 3]! ^= 1 << (bit & 7);
      expect(await forged(bent), `bit ${bit}`).toEqual([undefined, undefined]);
    }
    for (const length of [0, 1, 32, proof.length - 1])
      expect(await forged(proof.subarray(0, length))).toEqual([undefined, undefined]);
    expect(await forged(Uint8Array.of(...proof, 0))).toEqual([undefined, undefined]);
  }
  const after = await tree.verifyUpdate(root, change, update);
  for (const index of [0, 6, 8, 21])
    expect(await tree.verifyUpdate(root, { ...change, index }, update)).not.toEqual(after);
  // More than what was asked for is another proof of the same, and is none.
  const more = await tree.prove(store, [2, 3, 11, 20]);
  expect(await tree.verify(root, indices, more)).toBeUndefined();
  for (const count of [20, 22, 1, Number.MAX_SAFE_INTEGER])
    expect(await tree.verify({ ...root, leaves: count }, indices, read)).toBeUndefined();
});

test('a node is no leaf, and a proof of endless depth ends', async () => {
  const { root } = await grown(2);
  expect(await tree.verify({ leaves: 1, digest: root.digest }, [0], root.digest)).toEqual([root.digest]);
  expect(await leafOf(0)).not.toEqual(root.digest);
  const deep = new Uint8Array(9 * 100_000);
  for (let at = 0; at < deep.length; at += 9) deep.set([1, 0, 0, 0, 0, 0, 0, 0, 1], at);
  expect(await tree.verify({ leaves: Number.MAX_SAFE_INTEGER, digest: root.digest }, [5], deep)).toBeUndefined();
});

const changes = fc.array(
  fc.record({
    kind: fc.constantFrom('modify' as const, 'insert' as const, 'insert' as const, 'delete' as const),
    place: fc.double({ min: 0, max: 1, noNaN: true }),
    value: fc.integer({ min: 1000, max: 60_000 }),
  }),
  { minLength: 1, maxLength: 60 },
);

test('after any updates the tree is the list, and who holds a root alone follows it', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 20 }), changes, async (count, wishes) => {
      const { leaves, store, root: first } = await grown(count);
      let root: MerkleRoot = first;
      for (const { kind, place, value } of wishes) {
        const index = Math.min(Math.floor(place * (leaves.length + 1)), leaves.length - (kind === 'insert' ? 0 : 1));
        const leaf = await leafOf(value);
        const change: LeafChange = kind === 'delete' ? { kind, index } : { kind, index, leaf };
        if (!isLeafChange(leaves.length, change)) continue;
        const before = memoryNodes([...store.records]);
        const proof = await tree.update(store, change);
        leaves.splice(index, kind === 'insert' ? 0 : 1, ...(kind === 'delete' ? [] : [leaf]));
        const after = await tree.verifyUpdate(root, change, proof);
        expect(after).toBeDefined();
        if (kind !== 'modify') expect(await tree.verifyUpdate(after!, change, proof)).toBeUndefined();
        // The old tree is still there for who was interrupted.
        expect(await tree.root(before)).toEqual(root);
        root = after!;
        expect(await tree.root(store)).toEqual(root);
      }
      const all = leaves.map((_, at) => at);
      expect(await tree.verify(root, all, await tree.prove(store, all))).toEqual(leaves);
    }),
    { numRuns: 40, seed: 20260801 },
  );
});

test('a thousand appends, then deletions at the front, leave a flat tree', async () => {
  const { store } = await grown(1);
  for (let count = 1; count < 1000; count += 1)
    await tree.update(store, { kind: 'insert', index: count, leaf: await leafOf(count) });
  const depth = async (index: number) => ((await tree.prove(store, [index])).length - 32) / (9 + 33);
  for (const index of [0, 500, 999]) expect(await depth(index)).toBeLessThan(2.41 * Math.log2(1000));
  for (let left = 1000; left > 100; left -= 1) await tree.update(store, { kind: 'delete', index: 0 });
  for (const index of [0, 50, 99]) expect(await depth(index)).toBeLessThan(2.41 * Math.log2(100));
});

test('what a tree cannot do, and what a damaged one is', async () => {
  const { store, leaves } = await grown(6);
  const [leaf] = leaves as [Uint8Array];
  for (const change of [
    { kind: 'delete', index: 6 },
    { kind: 'modify', index: 6, leaf },
    { kind: 'insert', index: 7, leaf },
    { kind: 'modify', index: -1, leaf },
    { kind: 'modify', index: 0.5, leaf },
  ] as const)
    await expect(tree.update(store, change)).rejects.toMatchObject({ code: 'selection' });
  const single = await grown(1);
  await expect(tree.update(single.store, { kind: 'delete', index: 0 })).rejects.toMatchObject({ code: 'selection' });
  await expect(tree.build(3, each(leaves))).rejects.toMatchObject({ code: 'length' });
  await expect(tree.build(7, each(leaves))).rejects.toMatchObject({ code: 'length' });
  await expect(tree.prove(memoryNodes(), [0])).rejects.toMatchObject({ code: 'structure' });
  for (let at = 1; at < store.records.length; at += 1) {
    const damaged = memoryNodes([...store.records]);
    damaged.records[at] = new Uint8Array(96);
    await expect(tree.prove(damaged, [0, 1, 2, 3, 4, 5])).rejects.toMatchObject({ code: 'structure' });
  }
});
