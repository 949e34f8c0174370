import type { Primitives } from '@cloister/crypto';
import { joined, readUint64, uint64 } from '../encoding.ts';
import { PdpError } from '../pdp-error.ts';
import { firstAtLeast } from './first-at-least.ts';
import type { NodeStore } from './node-store.ts';

const DIGEST_BYTES = 32;
/** A child as its parent's record has it: the number of its own record (0 for a leaf, which needs none), leaves, digest. */
const CHILD_BYTES = 8 + 8 + DIGEST_BYTES;
/** A record: both children. Record 0 is the head: the root as a child, and how many records there are. */
export const MERKLE_RECORD_BYTES = 2 * CHILD_BYTES;
/** No balanced tree of 2^53 leaves is deeper: a child has at most 3/4 of its parent's leaves. */
const DEPTH_MAX = 128;
/** Hirai and Yamamoto's pair for weight-balanced trees, of which they prove that one rotation a level restores the balance. */
const BALANCE = { heavier: 3, inner: 2 } as const;
const LEAF = Uint8Array.of(0);
const INNER = Uint8Array.of(1);

/** What stands for all leaves: how many they are, and the digest at the top. */
export interface MerkleRoot {
  readonly leaves: number;
  readonly digest: Uint8Array;
}

/** A change of one leaf; `index` is its place before it is deleted, or after it was inserted. */
export type LeafChange =
  | { readonly kind: 'modify' | 'insert'; readonly index: number; readonly leaf: Uint8Array }
  | { readonly kind: 'delete'; readonly index: number };

/** A part of a tree. What is not in memory has no children here, and may have a record. */
interface Node extends MerkleRoot {
  record?: number;
  children?: readonly [Node, Node];
}
type Children = (node: Node) => Promise<readonly [Node, Node]>;

/**
 * A Merkle tree whose nodes hold ranks, the numbers of leaves below them (Merkle, CRYPTO 1987; ranks after Erway et al.,
 * CCS 2009, section 3): the digest of a leaf is SHA-256(0 | value), that of a node SHA-256(1 | rank and digest of the left
 * child | rank and digest of the right one). So a digest at the top fixes each leaf's index, and no node passes for a leaf. The
 * tree is weight-balanced (Nievergelt and Reingold, SIAM J. Computing 2(1), 1973), so that updates keep it flat.
 *
 * A proof is the part of the tree that an operation looked at, and its verifier does the operation again on that part alone (Miller
 * et al., "Authenticated data structures, generically", POPL 2014): leaves, one merged proof of many and updates are one format.
 * In pre-order, a node of one leaf is its digest; another one is 0 and its digest, or 1, the rank of its left child and both children.
 *
 * Updates add records and change none but the head, which is put last: who is interrupted before that has the old tree.
 */
export interface MerkleTree {
  /** The digest of a leaf with this value, the parts one after the other. */
  leaf(...value: readonly Uint8Array[]): Promise<Uint8Array>;
  /**
   * The root over `leaves` digests of leaves, taken once, in memory of O(log n). With a store, the tree is put there.
   * @throws PdpError `length` if there are not so many
   */
  build(leaves: number, digests: AsyncIterable<Uint8Array>, store?: NodeStore): Promise<MerkleRoot>;
  /** The root of the tree in a store, or undefined if there is none. */
  root(store: NodeStore): Promise<MerkleRoot | undefined>;
  /**
   * One proof of the leaves at `indices`, which ascend and lie below the root's number.
   * @throws PdpError `structure`
   */
  prove(store: NodeStore, indices: Iterable<number>): Promise<Uint8Array>;
  /** The digests of the leaves at these indices, if the proof shows them under this root, and shows nothing else. */
  verify(root: MerkleRoot, indices: Iterable<number>, proof: Uint8Array): Promise<readonly Uint8Array[] | undefined>;
  /**
   * Changes the tree in the store, and returns the proof of what it was.
   * @throws PdpError `structure`, `selection`
   */
  update(store: NodeStore, change: LeafChange): Promise<Uint8Array>;
  /** The root after a change, for who knows the root before it and nothing else. */
  verifyUpdate(root: MerkleRoot, change: LeafChange, proof: Uint8Array): Promise<MerkleRoot | undefined>;
}

/** Whether a tree of so many leaves can be changed so. The last leaf stays: there is no empty tree. */
export function isLeafChange(leaves: number, { kind, index }: Pick<LeafChange, 'kind' | 'index'>): boolean {
  return (
    Number.isSafeInteger(index) &&
    index >= 0 &&
    index < leaves + (kind === 'insert' ? 1 : 0) &&
    !(kind === 'delete' && leaves === 1) &&
    !(kind === 'insert' && leaves === Number.MAX_SAFE_INTEGER)
  );
}

export function merkleTree(primitives: Primitives): MerkleTree {
  const digestOf = async (left: MerkleRoot, right: MerkleRoot): Promise<Uint8Array> =>
    primitives.sha256(INNER, uint64(left.leaves), left.digest, uint64(right.leaves), right.digest);
  async function join(left: Node, right: Node): Promise<Node> {
    return {
      leaves: left.leaves + right.leaves,
      digest: await digestOf(left, right),
      children: [left, right],
    };
  }

  /** Two subtrees as one, of which one has a leaf more or less than when it was balanced (Hirai and Yamamoto, JFP 21(3), 2011). */
  async function balanced(children: Children, left: Node, right: Node): Promise<Node> {
    if (left.leaves > BALANCE.heavier * right.leaves) {
      const [outer, inner] = await children(left);
      if (inner.leaves < BALANCE.inner * outer.leaves) return join(outer, await join(inner, right));
      const [first, second] = await children(inner);
      return join(await join(outer, first), await join(second, right));
    }
    if (right.leaves > BALANCE.heavier * left.leaves) {
      const [inner, outer] = await children(right);
      if (inner.leaves < BALANCE.inner * outer.leaves) return join(await join(left, inner), outer);
      const [first, second] = await children(inner);
      return join(await join(left, first), await join(second, outer));
    }
    return join(left, right);
  }

  /** The tree after a change, or undefined when nothing is left of it. */
  async function changed(children: Children, node: Node, change: LeafChange): Promise<Node | undefined> {
    const { kind, index } = change;
    if (node.leaves === 1) {
      if (kind === 'delete') return undefined;
      const leaf: Node = { leaves: 1, digest: change.leaf };
      if (kind === 'modify') return leaf;
      return index === 0 ? join(leaf, node) : join(node, leaf);
    }
    const [left, right] = await children(node);
    if (index < left.leaves) {
      const rest = await changed(children, left, change);
      return rest === undefined ? right : balanced(children, rest, right);
    }
    const rest = await changed(children, right, { ...change, index: index - left.leaves });
    return rest === undefined ? left : balanced(children, left, rest);
  }

  async function build(leaves: number, next: () => Promise<Uint8Array>, keep: (node: Node) => Promise<Node>) {
    async function subtree(count: number): Promise<Node> {
      if (count === 1) return { leaves: 1, digest: await next() };
      const left = await subtree(Math.ceil(count / 2));
      return keep(await join(left, await subtree(Math.floor(count / 2))));
    }
    return subtree(leaves);
  }

  return {
    leaf: async (...value) => primitives.sha256(LEAF, ...value),

    async build(leaves, digests, store) {
      const source = digests[Symbol.asyncIterator]();
      const wrong = () => new PdpError('length', `The source does not have exactly ${leaves} leaves`);
      let records = 1;
      const root = await build(
        leaves,
        async () => {
          const { done, value } = await source.next();
          if (done === true) throw wrong();
          return value;
        },
        async (node) => {
          const record = records;
          if (store !== undefined) await putChildren(store, record, node.children!);
          records += 1;
          return { leaves: node.leaves, digest: node.digest, record };
        },
      );
      if ((await source.next()).done !== true) throw wrong();
      if (store !== undefined) await store.put(0, headRecord(root, records));
      return { leaves, digest: root.digest };
    },

    async root(store) {
      const head = await readHead(store);
      return head && { leaves: head.root.leaves, digest: head.root.digest };
    },

    async prove(store, indices) {
      const head = await readHead(store);
      if (head === undefined) throw new PdpError('structure', 'There is no tree');
      const children = childrenIn(store);
      const wanted = [...indices];
      async function look(node: Node, from: number, first: number, end: number): Promise<void> {
        if (first === end || node.leaves === 1) return;
        const [left, right] = await children(node);
        const middle = firstAtLeast(wanted, from + left.leaves, first, end);
        await look(left, from, first, middle);
        await look(right, from + left.leaves, middle, end);
      }
      await look(head.root, 0, 0, wanted.length);
      return encodePart(head.root);
    },

    async verify(root, indices, proof) {
      const part = await decodePart(primitives, digestOf, root, proof);
      if (part === undefined) return undefined;
      const wanted = [...indices];
      const found: Uint8Array[] = [];
      /** Whether exactly what is wanted of this node is there. */
      function collect(node: Node, from: number, first: number, end: number): boolean {
        if (first === end) return node.children === undefined;
        if (node.leaves === 1) return wanted[first] === from && end === first + 1 && found.push(node.digest) > 0;
        if (node.children === undefined) return false;
        const [left, right] = node.children;
        const middle = firstAtLeast(wanted, from + left.leaves, first, end);
        return collect(left, from, first, middle) && collect(right, from + left.leaves, middle, end);
      }
      return collect(part, 0, 0, wanted.length) ? found : undefined;
    },

    async update(store, change) {
      const head = await readHead(store);
      if (head === undefined) throw new PdpError('structure', 'There is no tree');
      if (!isLeafChange(head.root.leaves, change))
        throw new PdpError(
          'selection',
          `A tree of ${head.root.leaves} leaves cannot ${change.kind} at ${change.index}`,
        );
      let { records } = head;
      async function keep(node: Node): Promise<void> {
        if (node.record !== undefined || node.leaves === 1) return;
        for (const child of node.children!) await keep(child);
        await putChildren(store, records, node.children!);
        node.record = records;
        records += 1;
      }
      const after = (await changed(childrenIn(store), head.root, change))!;
      await keep(after);
      await store.put(0, headRecord(after, records));
      return encodePart(head.root);
    },

    async verifyUpdate(root, change, proof) {
      const part = await decodePart(primitives, digestOf, root, proof);
      if (part === undefined || !isLeafChange(root.leaves, change)) return undefined;
      const used = new Set<Node>();
      let pruned = false;
      const after = await changed(
        async (node) => {
          used.add(node);
          if (node.children !== undefined) return node.children;
          // What the proof does not show is anything: the operation goes on with it and is then not believed.
          pruned = true;
          return [
            { leaves: Math.ceil(node.leaves / 2), digest: node.digest },
            { leaves: Math.floor(node.leaves / 2), digest: node.digest },
          ];
        },
        part,
        change,
      );
      return pruned || !isAllUsed(part, used) ? undefined : { leaves: after!.leaves, digest: after!.digest };
    },
  };
}

const isAllUsed = (node: Node, used: ReadonlySet<Node>): boolean =>
  node.children === undefined || (used.has(node) && node.children.every((child) => isAllUsed(child, used)));

function encodePart(root: Node): Uint8Array {
  const parts: Uint8Array[] = [];
  function visit(node: Node): void {
    if (node.leaves === 1) parts.push(node.digest);
    else if (node.children === undefined) parts.push(LEAF, node.digest);
    else {
      parts.push(INNER, uint64(node.children[0].leaves));
      node.children.forEach(visit);
    }
  }
  visit(root);
  return joined(parts);
}

/** The part of the tree that a proof shows, if it is one of the tree with this root, to the last byte. */
async function decodePart(
  primitives: Primitives,
  digestOf: (left: MerkleRoot, right: MerkleRoot) => Promise<Uint8Array>,
  root: MerkleRoot,
  proof: Uint8Array,
): Promise<Node | undefined> {
  let at = 0;
  const take = (length: number): Uint8Array | undefined =>
    proof.length - at < length ? undefined : proof.subarray(at, (at += length));
  async function node(leaves: number, depth: number): Promise<Node | undefined> {
    const kind = leaves === 1 ? 0 : take(1)?.[0];
    if (kind === 0) {
      const digest = take(DIGEST_BYTES);
      return digest && { leaves, digest };
    }
    const rank = kind === 1 && depth < DEPTH_MAX ? take(8) : undefined;
    const below = rank === undefined ? 0 : readUint64(rank, 0);
    if (below < 1 || below >= leaves) return undefined;
    const left = await node(below, depth + 1);
    const right = left && (await node(leaves - below, depth + 1));
    return right && { leaves, digest: await digestOf(left, right), children: [left, right] };
  }
  const part = await node(root.leaves, 0);
  return part !== undefined && at === proof.length && primitives.equal(part.digest, root.digest) ? part : undefined;
}

function writeChild(out: Uint8Array, at: number, { record = 0, leaves, digest }: Node): void {
  out.set(uint64(record), at);
  out.set(uint64(leaves), at + 8);
  out.set(digest, at + 16);
}
function readChild(record: Uint8Array, at: number): Node {
  return {
    record: readUint64(record, at),
    leaves: readUint64(record, at + 8),
    digest: record.slice(at + 16, at + CHILD_BYTES),
  };
}
async function putChildren(store: NodeStore, number: number, [left, right]: readonly [Node, Node]): Promise<void> {
  const record = new Uint8Array(MERKLE_RECORD_BYTES);
  writeChild(record, 0, left);
  writeChild(record, CHILD_BYTES, right);
  await store.put(number, record);
}
function headRecord(root: Node, records: number): Uint8Array {
  const record = new Uint8Array(MERKLE_RECORD_BYTES);
  writeChild(record, 0, root);
  record.set(uint64(records), CHILD_BYTES);
  return record;
}

const DAMAGED = 'The tree is damaged; build it again';
async function readHead(store: NodeStore): Promise<{ readonly root: Node; readonly records: number } | undefined> {
  const record = await store.get(0);
  if (record === undefined) return undefined;
  if (record.length !== MERKLE_RECORD_BYTES) throw new PdpError('structure', DAMAGED);
  const root = readChild(record, 0);
  const records = readUint64(record, CHILD_BYTES);
  if (!(root.leaves >= 1 && records >= 1)) throw new PdpError('structure', DAMAGED);
  return { root, records };
}

/** Children out of a store, kept in the node, so that an operation leaves in memory what it looked at. */
function childrenIn(store: NodeStore): Children {
  return async (node) => {
    if (node.children !== undefined) return node.children;
    const record = await store.get(node.record!);
    if (record?.length !== MERKLE_RECORD_BYTES) throw new PdpError('structure', DAMAGED);
    const [left, right] = [readChild(record, 0), readChild(record, CHILD_BYTES)];
    // Ranks shrink on each way down, so that no damage leads around in a circle.
    if (!(left.leaves >= 1 && right.leaves >= 1 && left.leaves + right.leaves === node.leaves))
      throw new PdpError('structure', DAMAGED);
    node.children = [left, right];
    return node.children;
  };
}
