import { nodePrimitives } from '@cloister/crypto';
import { describe, expect, test } from 'vitest';
import { keystream } from '../session/keystream.ts';
import { memoryNodes } from '../testing/memory-nodes.ts';
import { seededPrimitives } from '../testing/seeded-primitives.ts';
import { rankedSkipList, type SkipLeaf, type TowerChange } from './ranked-skip-list.ts';

const SEED = 'ranked skip list 1';
const primitives = seededPrimitives(SEED);
const list = rankedSkipList(primitives);
const stream = keystream(nodePrimitives, primitives.random(32));

/** Digests as text, since OpenSSL's are Buffers. */
const seen = <T extends { readonly digest: Uint8Array }>(from: T | undefined) =>
  from && { ...from, digest: Buffer.from(from.digest).toString('hex') };
const draw = (limit: number): Promise<number> => stream.below(limit);
async function newLeaf(): Promise<SkipLeaf> {
  let height = 0;
  while ((await draw(2)) === 1) height += 1;
  return { value: primitives.random(8), bytes: await draw(5), height };
}
const leavesOf = (count: number): Promise<SkipLeaf[]> => Promise.all(Array.from({ length: count }, newLeaf));
async function* each(leaves: readonly SkipLeaf[]) {
  yield* leaves;
}
async function built(leaves: readonly SkipLeaf[]) {
  const nodes = memoryNodes();
  return { nodes, root: await list.build(leaves.length, each(leaves), nodes) };
}
function applied(leaves: readonly SkipLeaf[], changes: readonly TowerChange[]): SkipLeaf[] {
  const out = [...leaves];
  for (const change of changes)
    if (change.kind === 'delete') out.splice(change.index, 1);
    else if (change.kind === 'insert') out.splice(change.index, 0, change.leaf);
    else out[change.index] = { ...change.leaf, height: out[change.index]!.height };
  return out;
}
async function randomChange(count: number): Promise<TowerChange> {
  const kind = (['modify', 'insert', 'delete'] as const)[await draw(count > 1 ? 3 : 2)]!;
  const index = await draw(kind === 'insert' ? count + 1 : count);
  return kind === 'delete' ? { kind, index } : { kind, index, leaf: await newLeaf() };
}

describe(`a skip list with ranks (seed "${SEED}")`, () => {
  test('shows the leaves that are asked for, and their places, in one proof', async () => {
    for (const count of [1, 2, 3, 10, 100]) {
      const leaves = await leavesOf(count);
      const { nodes, root } = await built(leaves);
      expect(root.leaves).toBe(count);
      expect(root.bytes).toBe(leaves.reduce((sum, { bytes }) => sum + bytes, 0));
      expect(seen(await list.root(nodes))).toEqual(seen(root));
      expect(seen(await list.build(count, each(leaves)))).toEqual(seen(root));
      for (let round = 0; round < 10; round += 1) {
        const indices: number[] = [];
        for (let at = 0; at < count; at += 1) if ((await draw(3)) === 0) indices.push(at);
        const proof = await list.prove(nodes, indices);
        const found = await list.verify(root, indices, proof);
        expect(found?.length).toBe(indices.length);
        for (const [at, index] of indices.entries()) {
          const { value, bytes } = leaves[index]!;
          expect(seen(found![at])).toMatchObject(seen({ bytes, digest: await list.digest(value, bytes) })!);
        }
        // The proof of a leaf shows the one beside it too, and then as that.
        const others = indices.map((index) => (index + 1) % count).sort((a, b) => a - b);
        for (const [at, leaf] of ((await list.verify(root, others, proof)) ?? []).entries()) {
          const { value, bytes } = leaves[others[at]!]!;
          expect(seen(leaf)).toMatchObject(seen({ bytes, digest: await list.digest(value, bytes) })!);
        }
      }
    }
  });

  test('is after any updates what would have been built, for the server and for who knows roots alone', async () => {
    let leaves = await leavesOf(5);
    const { nodes, root } = await built(leaves);
    let known = root;
    for (let round = 0; round < 300; round += 1) {
      const changes: TowerChange[] = [];
      let count = leaves.length;
      for (let at = 0; at <= (await draw(4)); at += 1) {
        const change = await randomChange(count);
        count += change.kind === 'insert' ? 1 : change.kind === 'delete' ? -1 : 0;
        changes.push(change);
      }
      const proof = await list.update(nodes, changes);
      const after = await list.verifyUpdate(known, changes, proof);
      leaves = applied(leaves, changes);
      expect(seen(after), `round ${round}`).toEqual(seen((await built(leaves)).root));
      known = after!;
      expect(seen(await list.root(nodes))).toEqual(seen(known));
    }
  });

  test('finds the leaf that has a byte', async () => {
    const leaves = await leavesOf(50);
    const { nodes, root } = await built(leaves);
    let offset = 0;
    for (const [index, { bytes }] of leaves.entries())
      for (let within = 0; within < bytes; within += 1) {
        expect(await list.locate(nodes, offset)).toEqual({ index, within });
        offset += 1;
      }
    expect(offset).toBe(root.bytes);
  });

  test('believes proofs to the bit and to their length, of leaves and of updates', async () => {
    const leaves = await leavesOf(12);
    const { nodes, root } = await built(leaves);
    const proof = await list.prove(nodes, [2, 7]);
    const changes: TowerChange[] = [
      { kind: 'insert', index: 4, leaf: await newLeaf() },
      { kind: 'delete', index: 9 },
    ];
    const update = await list.update(nodes, changes);
    for (const [bytes, verify] of [
      [proof, (bent: Uint8Array) => list.verify(root, [2, 7], bent)],
      [update, (bent: Uint8Array) => list.verifyUpdate(root, changes, bent)],
    ] as const) {
      expect(await verify(bytes)).toBeDefined();
      for (let bit = 0; bit < 8 * bytes.length; bit += 1) {
        const bent = bytes.slice();
        bent[bit >> 3]! ^= 1 << (bit & 7);
        expect(await verify(bent), `bit ${bit}`).toBeUndefined();
      }
      for (let length = 0; length < bytes.length; length += 1)
        expect(await verify(bytes.subarray(0, length))).toBeUndefined();
      expect(await verify(Uint8Array.of(...bytes, 0))).toBeUndefined();
    }
    // A proof of more than is asked for is none.
    for (const indices of [[2], [7], []]) expect(await list.verify(root, indices, proof)).toBeUndefined();
  });

  test('has paths of some 2 log n, in a time that grows with n alone', async () => {
    const count = 20_000;
    async function* leaves() {
      for (let at = 0; at < count; at += 1) yield { ...(await newLeaf()), value: new Uint8Array(1) };
    }
    const nodes = memoryNodes();
    await list.build(count, leaves(), nodes);
    // A list of n leaves and the head has n nodes with two children.
    expect(nodes.records.length).toBe(count + 1);
    let longest = 0;
    for (let at = 0; at < 50; at += 1) longest = Math.max(longest, (await list.prove(nodes, [at * 400])).length);
    expect(longest).toBeLessThan(52 * 4 * Math.log2(count));
  });

  test('refuses a damaged store without going around in it', async () => {
    const leaves = await leavesOf(30);
    const { nodes, root } = await built(leaves);
    for (let round = 0; round < 400; round += 1) {
      const records = nodes.records.map((record) => record.slice());
      const record = records[await draw(records.length)]!;
      record[await draw(record.length)]! ^= 1 << (await draw(8));
      const index = await draw(30);
      const proof = await list.prove(memoryNodes(records), [index]).catch(({ code }) => code);
      if (proof instanceof Uint8Array) {
        const found = await list.verify(root, [index], proof);
        const { value, bytes } = leaves[index]!;
        if (found !== undefined)
          expect(seen(found[0])).toMatchObject(seen({ digest: await list.digest(value, bytes) })!);
      } else expect(proof).toBe('structure');
    }
    await expect(list.prove(memoryNodes(), [0])).rejects.toMatchObject({ code: 'structure' });
  });
});
