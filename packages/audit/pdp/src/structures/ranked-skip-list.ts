import type { Primitives } from '@cloister/crypto';
import { joined, readUint64, uint64 } from '../encoding.ts';
import { PdpError } from '../pdp-error.ts';
import { firstAtLeast } from './first-at-least.ts';
import type { NodeStore } from './node-store.ts';

const DIGEST_BYTES = 32;
/** f(v): level, both ranks, digest. */
const LABEL_BYTES = 1 + 8 + 8 + DIGEST_BYTES;
const CHILD_BYTES = 8 + LABEL_BYTES;
/** A record: both children. Record 0 is the head: the root as a child, and how many records there are. */
const SKIP_LIST_RECORD_BYTES = 2 * CHILD_BYTES;
/** Towers of 2^53 leaves are hardly ever higher. */
export const HEIGHT_MAX = 60;
/** A path is twice as long as the logarithm of the number of leaves on average, and hardly ever ten times. */
const DEPTH_MAX = 600;
const LEAF_LEVEL = -1;
const LEAF = Uint8Array.of(0);
const INNER = Uint8Array.of(1);
const PRUNED = 0;
const OPENED = 1;

/** What stands for all leaves. */
export interface SkipRoot {
  readonly level: number;
  /** Ranks: how many leaves there are, and of how many bytes. */
  readonly leaves: number;
  readonly bytes: number;
  readonly digest: Uint8Array;
}

export interface SkipLeaf {
  readonly value: Uint8Array;
  /** What it adds to the rank in bytes. */
  readonly bytes: number;
  /** Of its tower: drawn with probability 2^-(h+1) by who has an interest in short paths. */
  readonly height: number;
}

/** A change of one leaf; `index` is its place before it is deleted, or after it was inserted. A modified one keeps its tower. */
export type TowerChange =
  | { readonly kind: 'modify' | 'insert'; readonly index: number; readonly leaf: SkipLeaf }
  | { readonly kind: 'delete'; readonly index: number };

/** A leaf as a proof shows it. */
export interface FoundLeaf {
  readonly bytes: number;
  readonly digest: Uint8Array;
}

/** What is not in memory has no children here, and may have a record. */
interface Node extends SkipRoot {
  record?: number;
  children?: readonly [down: Node, right: Node];
}
type Children = (node: Node) => Promise<readonly [Node, Node]>;

/**
 * A rank-based authenticated skip list (Erway, Kupcu, Papamanthou and Tamassia, CCS 2009, section 3), whose ranks count bytes too: a
 * FlexList (Esiner, Kachkeev, Braunfeld, Kupcu and Ozkasap, IACR ePrint 2013/645).
 *
 *     f(v) = h(l | r | f(down) | f(right))      for a node of level l > 0 and rank r
 *     f(v) = h(l | r | x | f(right))            for one at the base, x = h(length, value)
 *
 * As in a FlexList there are only nodes with a right neighbour that begins at their level, which makes a binary tree of it: all that is below a
 * node is a tower and those after it up to the next higher one; its right child begins at the first tower as high as its level, and its
 * down child is what lies before. Other than in the papers, f(v) is a digest with level and ranks before it, so that the digest of a
 * node fixes those of both children: an operation may then decide by the rank of a child that it does not enter. The first tower has
 * no leaf and stands above all others.
 *
 * A proof is the part of the list that an operation looked at, and its verifier does the operation again on that part alone (Miller
 * et al., "Authenticated data structures, generically", POPL 2014): one leaf, one merged proof of many (`genMultiProof`), an update and many of
 * them at once are one format: in pre-order 0 and a node's label, or 1, its level and both children.
 *
 * Updates add records and change none but the head, which is put last: who is interrupted before that has the old list.
 */
export interface RankedSkipList {
  /** What `verify` finds of a leaf. */
  digest(value: Uint8Array, bytes: number): Promise<Uint8Array>;
  /**
   * The root over `count` leaves, taken once, in O(n) and in memory of a path's length. With a store, the list is put there.
   * @throws PdpError `length` if there are not so many
   */
  build(count: number, leaves: AsyncIterable<SkipLeaf>, store?: NodeStore): Promise<SkipRoot>;
  root(store: NodeStore): Promise<SkipRoot | undefined>;
  /** The leaf that has byte `offset`, which is below the root's rank. @throws PdpError `structure` */
  locate(store: NodeStore, offset: number): Promise<{ readonly index: number; readonly within: number }>;
  /**
   * One proof of the leaves at `indices`, which ascend and lie below the root's number.
   * @throws PdpError `structure`
   */
  prove(store: NodeStore, indices: Iterable<number>): Promise<Uint8Array>;
  /** The leaves at these indices, if the proof shows them under this root, and shows nothing else. */
  verify(root: SkipRoot, indices: Iterable<number>, proof: Uint8Array): Promise<readonly FoundLeaf[] | undefined>;
  /**
   * Makes the changes one after the other, and returns one proof of what they looked at.
   * @throws PdpError `structure`
   */
  update(store: NodeStore, changes: readonly TowerChange[]): Promise<Uint8Array>;
  /** The root after the changes, for who knows the root before them and nothing else. */
  verifyUpdate(root: SkipRoot, changes: readonly TowerChange[], proof: Uint8Array): Promise<SkipRoot | undefined>;
}

export function rankedSkipList(primitives: Primitives): RankedSkipList {
  const HEAD: Node = { level: LEAF_LEVEL, leaves: 0, bytes: 0, digest: new Uint8Array(DIGEST_BYTES) };
  const digest = async (value: Uint8Array, bytes: number): Promise<Uint8Array> =>
    primitives.sha256(LEAF, uint64(bytes), value);
  const leafOf = async ({ value, bytes }: Pick<SkipLeaf, 'value' | 'bytes'>): Promise<Node> => ({
    level: LEAF_LEVEL,
    leaves: 1,
    bytes,
    digest: await digest(value, bytes),
  });
  async function join(level: number, down: Node, right: Node): Promise<Node> {
    const ranks = { leaves: down.leaves + right.leaves, bytes: down.bytes + right.bytes };
    const digestOf = await primitives.sha256(
      INNER,
      Uint8Array.of(level),
      uint64(ranks.leaves),
      uint64(ranks.bytes),
      labelOf(down),
      labelOf(right),
    );
    return { level, ...ranks, digest: digestOf, children: [down, right] };
  }

  /** What comes before `place`, and what begins with a new leaf there. */
  async function split(children: Children, node: Node, place: number, leaf: Node): Promise<readonly [Node, Node]> {
    if (place === node.leaves) return [node, leaf];
    const [down, right] = await children(node);
    if (place <= down.leaves) {
      const [before, after] = await split(children, down, place, leaf);
      return [before, await join(node.level, after, right)];
    }
    const [before, after] = await split(children, right, place - down.leaves, leaf);
    return [await join(node.level, down, before), after];
  }
  async function insert(children: Children, node: Node, place: number, leaf: Node, height: number): Promise<Node> {
    if (height > node.level) return join(height, ...(await split(children, node, place, leaf)));
    const { level } = node;
    const [down, right] = await children(node);
    if (place > down.leaves) return join(level, down, await insert(children, right, place - down.leaves, leaf, height));
    if (height < level) return join(level, await insert(children, down, place, leaf, height), right);
    const [before, after] = await split(children, down, place, leaf);
    return join(level, before, await join(level, after, right));
  }
  /** `right` without its first leaf, behind `left`. */
  async function append(children: Children, left: Node, right: Node): Promise<Node> {
    if (right.level === LEAF_LEVEL) return left;
    if (right.level > left.level) {
      const [down, beyond] = await children(right);
      return join(right.level, await append(children, left, down), beyond);
    }
    const [down, beyond] = await children(left);
    return join(left.level, down, await append(children, beyond, right));
  }
  async function remove(children: Children, node: Node, index: number): Promise<Node> {
    const [down, right] = await children(node);
    if (index === down.leaves) return append(children, down, right);
    return index < down.leaves
      ? join(node.level, await remove(children, down, index), right)
      : join(node.level, down, await remove(children, right, index - down.leaves));
  }
  async function replace(children: Children, node: Node, index: number, leaf: Node): Promise<Node> {
    if (node.level === LEAF_LEVEL) return leaf;
    const [down, right] = await children(node);
    return index < down.leaves
      ? join(node.level, await replace(children, down, index, leaf), right)
      : join(node.level, down, await replace(children, right, index - down.leaves, leaf));
  }
  async function changed(children: Children, root: Node, changes: readonly TowerChange[]): Promise<Node> {
    let node = root;
    for (const change of changes) {
      const { index } = change;
      if (change.kind === 'delete') node = await remove(children, node, index);
      else if (change.kind === 'modify') node = await replace(children, node, index, await leafOf(change.leaf));
      else node = await insert(children, node, index, await leafOf(change.leaf), change.leaf.height);
    }
    return node;
  }

  /** The part of the list that a proof shows, if it is one of the list with this root, to the last byte. */
  async function decodePart(root: SkipRoot, proof: Uint8Array): Promise<Node | undefined> {
    let at = 0;
    async function node(depth: number): Promise<Node | undefined> {
      const kind = proof[at];
      const level = proof[at + 1];
      if (level === undefined || level > HEIGHT_MAX + 1 || depth > DEPTH_MAX) return undefined;
      if (kind === PRUNED) {
        if (proof.length - at < 1 + LABEL_BYTES) return undefined;
        const found = readLabel(proof, at + 1);
        at += 1 + LABEL_BYTES;
        return found;
      }
      if (kind !== OPENED || level === 0) return undefined;
      at += 2;
      const down = await node(depth + 1);
      const right = down && (await node(depth + 1));
      return right && isInOrder(level - 1, down, right) ? join(level - 1, down, right) : undefined;
    }
    const part = await node(0);
    return part !== undefined && at === proof.length && primitives.equal(labelOf(part), labelOf(root))
      ? part
      : undefined;
  }

  return {
    digest,

    async build(count, leaves, store) {
      let records = 1;
      async function keep(level: number, down: Node, right: Node): Promise<Node> {
        const { children, ...node } = await join(level, down, right);
        if (store === undefined) return node;
        await putChildren(store, records, children!);
        records += 1;
        return { ...node, record: records - 1 };
      }
      // What has no right child yet, the highest first.
      const open: { readonly level: number; readonly down: Node }[] = [];
      let last = HEAD;
      const close = async (height: number): Promise<void> => {
        while (open.length > 0 && open.at(-1)!.level < height) {
          const { level, down } = open.pop()!;
          last = await keep(level, down, last);
        }
      };
      let taken = 0;
      for await (const leaf of leaves) {
        await close(leaf.height);
        open.push({ level: leaf.height, down: last });
        last = await leafOf(leaf);
        taken += 1;
      }
      await close(HEIGHT_MAX + 1);
      if (taken !== count) throw new PdpError('length', `The source does not have exactly ${count} leaves`);
      if (store !== undefined) await store.put(0, headRecord(last, records));
      return rootOf(last);
    },

    async root(store) {
      const head = await readHead(store);
      return head && rootOf(head.root);
    },

    async locate(store, offset) {
      const children = childrenIn(store);
      let node = (await headIn(store)).root;
      let [index, within] = [0, offset];
      while (node.level !== LEAF_LEVEL) {
        const [down, right] = await children(node);
        if (within < down.bytes) node = down;
        else {
          index += down.leaves;
          within -= down.bytes;
          node = right;
        }
      }
      return { index, within };
    },

    async prove(store, indices) {
      const { root } = await headIn(store);
      const children = childrenIn(store);
      const wanted = [...indices];
      async function look(node: Node, from: number, first: number, end: number): Promise<void> {
        if (first === end || node.level === LEAF_LEVEL) return;
        const [down, right] = await children(node);
        const middle = firstAtLeast(wanted, from + down.leaves, first, end);
        await look(down, from, first, middle);
        await look(right, from + down.leaves, middle, end);
      }
      await look(root, 0, 0, wanted.length);
      return encodePart(root);
    },

    async verify(root, indices, proof) {
      const part = await decodePart(root, proof);
      if (part === undefined) return undefined;
      const wanted = [...indices];
      const found: FoundLeaf[] = [];
      /** Whether exactly what is wanted of this node is there. */
      function collect(node: Node, from: number, first: number, end: number): boolean {
        if (first === end) return node.children === undefined;
        if (node.level === LEAF_LEVEL)
          return (
            node.leaves === 1 &&
            wanted[first] === from &&
            end === first + 1 &&
            found.push({ bytes: node.bytes, digest: node.digest }) > 0
          );
        if (node.children === undefined) return false;
        const [down, right] = node.children;
        const middle = firstAtLeast(wanted, from + down.leaves, first, end);
        return collect(down, from, first, middle) && collect(right, from + down.leaves, middle, end);
      }
      return collect(part, 0, 0, wanted.length) ? found : undefined;
    },

    async update(store, changes) {
      const head = await headIn(store);
      let { records } = head;
      async function keep(node: Node): Promise<void> {
        if (node.record !== undefined || node.level === LEAF_LEVEL) return;
        for (const child of node.children!) await keep(child);
        await putChildren(store, records, node.children!);
        node.record = records;
        records += 1;
      }
      const after = await changed(childrenIn(store), head.root, changes);
      await keep(after);
      await store.put(0, headRecord(after, records));
      return encodePart(head.root);
    },

    async verifyUpdate(root, changes, proof) {
      const part = await decodePart(root, proof);
      if (part === undefined) return undefined;
      const used = new Set<Node>();
      const shown: Children = async (node) => {
        used.add(node);
        if (node.children === undefined) throw NOT_SHOWN;
        return node.children;
      };
      try {
        const after = await changed(shown, part, changes);
        return isAllUsed(part, used) ? rootOf(after) : undefined;
      } catch (error) {
        if (error === NOT_SHOWN) return undefined;
        throw error;
      }
    },
  };
}

const NOT_SHOWN = new Error('The proof does not show what the update looks at');

const rootOf = ({ level, leaves, bytes, digest }: Node): SkipRoot => ({ level, leaves, bytes, digest });
/** A down child has lower towers than its node, a right one none that are higher; only the head has no leaf. */
const isInOrder = (level: number, down: Node, right: Node): boolean =>
  down.level < level && right.level <= level && right.leaves >= 1;

const isAllUsed = (node: Node, used: ReadonlySet<Node>): boolean =>
  node.children === undefined || (used.has(node) && node.children.every((child) => isAllUsed(child, used)));

function encodePart(root: Node): Uint8Array {
  const parts: Uint8Array[] = [];
  function visit(node: Node): void {
    if (node.children === undefined) parts.push(Uint8Array.of(PRUNED), labelOf(node));
    else {
      parts.push(Uint8Array.of(OPENED, node.level + 1));
      node.children.forEach(visit);
    }
  }
  visit(root);
  return joined(parts);
}

/** f(v) as it is hashed: a leaf has level 0 here, the base level 1. */
const labelOf = ({ level, leaves, bytes, digest }: SkipRoot): Uint8Array =>
  joined([Uint8Array.of(level + 1), uint64(leaves), uint64(bytes), digest]);
function readLabel(from: Uint8Array, at: number): Node | undefined {
  const [leaves, bytes] = [readUint64(from, at + 1), readUint64(from, at + 9)];
  const digest = from.slice(at + 17, at + LABEL_BYTES);
  return Number.isNaN(leaves + bytes) ? undefined : { level: from[at]! - 1, leaves, bytes, digest };
}

const encodeChild = (node: Node): Uint8Array => joined([uint64(node.record ?? 0), labelOf(node)]);
function readChild(from: Uint8Array, at: number): Node | undefined {
  const record = readUint64(from, at);
  const node = readLabel(from, at + 8);
  return node && !Number.isNaN(record) ? { ...node, record } : undefined;
}
async function putChildren(store: NodeStore, number: number, children: readonly [Node, Node]): Promise<void> {
  await store.put(number, joined(children.map(encodeChild)));
}
function headRecord(root: Node, records: number): Uint8Array {
  const record = new Uint8Array(SKIP_LIST_RECORD_BYTES);
  record.set(encodeChild(root));
  record.set(uint64(records), CHILD_BYTES);
  return record;
}

const damaged = () => new PdpError('structure', 'The skip list is damaged; build it again');
async function readHead(store: NodeStore): Promise<{ readonly root: Node; readonly records: number } | undefined> {
  const record = await store.get(0);
  if (record === undefined) return undefined;
  if (record.length !== SKIP_LIST_RECORD_BYTES) throw damaged();
  const root = readChild(record, 0);
  const records = readUint64(record, CHILD_BYTES);
  if (root === undefined || root.leaves < 1 || !(records >= 1)) throw damaged();
  return { root, records };
}
async function headIn(store: NodeStore): Promise<{ readonly root: Node; readonly records: number }> {
  const head = await readHead(store);
  if (head === undefined) throw new PdpError('structure', 'There is no skip list');
  return head;
}

/** Children out of a store, kept in the node, so that an operation leaves in memory what it looked at. */
function childrenIn(store: NodeStore): Children {
  return async (node) => {
    if (node.children !== undefined) return node.children;
    const record = await store.get(node.record!);
    if (record?.length !== SKIP_LIST_RECORD_BYTES) throw damaged();
    const [down, right] = [readChild(record, 0), readChild(record, CHILD_BYTES)];
    // A path descends or has fewer leaves with each step, so that no damage leads around in a circle.
    if (
      down === undefined ||
      right === undefined ||
      !isInOrder(node.level, down, right) ||
      down.leaves + right.leaves !== node.leaves ||
      down.bytes + right.bytes !== node.bytes ||
      (right.level === node.level && right.leaves === node.leaves && node.record === right.record)
    )
      throw damaged();
    node.children = [down, right];
    return node.children;
  };
}
