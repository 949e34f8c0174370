import type { Primitives } from '@cloister/crypto';
import { listOf, oneOf, record, whole } from '@cloister/protocol';
import { productOfPowers } from '../arithmetic/product-of-powers.ts';
import { weightedSum, weightedSumBytes } from '../arithmetic/weighted-sum.ts';
import { ascii, bytes, bytesUpTo, decodeRecord, encodeRecord, joined } from '../encoding.ts';
import { PdpError } from '../pdp-error.ts';
import type {
  BlockChange,
  BlockTagger,
  DynamicFile,
  DynamicScheme,
  Rejection,
  SchemeFacts,
  StoredFile,
  UpdateVerdict,
} from '../scheme.ts';
import {
  type Challenge,
  challengeMessage,
  checkSelection,
  type Expansion,
  expand,
  openChallengeMessage,
  SEED_BYTES,
} from '../session/challenge.ts';
import {
  BLOCK_BYTES_MAX,
  blockCount,
  blockLength,
  type FileDescription,
  fileName,
} from '../session/file-description.ts';
import { type FileTag, openFileTag } from '../session/file-tag.ts';
import { indexedKeystream } from '../session/keystream.ts';
import { wholeBlocks } from '../session/whole-blocks.ts';
import { isLeafChange } from '../structures/merkle-tree.ts';
import {
  HEIGHT_MAX,
  rankedSkipList,
  type SkipLeaf,
  type SkipRoot,
  type TowerChange,
} from '../structures/ranked-skip-list.ts';
import type { RsaGroup } from './rsa-group.ts';
import { type SignedRsaKey, signedRsaKeys } from './signed-rsa-keys.ts';

const COEFFICIENT_BYTES = 16;
/** The longest list of changes in one update. */
const CHANGES_MAX = 4096;

/** The functions for updates with several changes at once. */
export interface MultiUpdate {
  /** @throws PdpError `key`, `file-tag`, `selection`, `length` */
  prepareUpdates(secretKey: Uint8Array, fileTag: Uint8Array, changes: readonly BlockChange[]): Promise<Uint8Array>;
  /** The block that has byte `offset` of the file as it is now, as the server's structure has it. @throws PdpError `structure` */
  locate(stored: StoredFile, offset: number): Promise<{ readonly index: number; readonly within: number }>;
}

/**
 * What DPDP-I and FlexDPDP have in common: tags T_i = g^m_i mod N in an authenticated skip list, whose root the owner signs. A stored tag
 * is T_i and one byte, the height of its tower, so that the server can make the list anew.
 */
export function skipListScheme(primitives: Primitives, facts: SchemeFacts): DynamicScheme & MultiUpdate {
  const keys = signedRsaKeys(primitives, facts.name);
  const list = rankedSkipList(primitives);
  const index = whole(Number.MAX_SAFE_INTEGER);
  const ROOT = record({ level: whole(HEIGHT_MAX), leaves: index, bytes: index, digest: bytes(32) });
  const CHANGE = record({
    kind: oneOf('modify', 'insert', 'delete'),
    index,
    block: bytesUpTo(BLOCK_BYTES_MAX),
    tag: bytesUpTo(BLOCK_BYTES_MAX),
  });
  const UPDATE = record({ scheme: oneOf(facts.name), name: bytes(32), changes: listOf(CHANGE, CHANGES_MAX) });

  interface State extends FileTag {
    readonly root: SkipRoot;
    /** The file as it would be described if it had as many blocks as it has now. */
    readonly present: FileDescription;
  }
  function stateOf(session: FileTag | undefined): State | undefined {
    const root = session && decodeRecord(ROOT, session.extra);
    if (root === undefined || root.leaves === 0) return undefined;
    return { ...session!, root, present: { ...session!.file, length: root.leaves * session!.file.blockBytes } };
  }
  const stored = async ({ fileTag }: StoredFile) =>
    stateOf(await openFileTag(primitives, facts.name, fileTag, () => true));
  async function owned(key: SignedRsaKey, fileTag: Uint8Array): Promise<State> {
    const state = stateOf(await keys.openFileTag(key, fileTag));
    if (state === undefined) throw new PdpError('file-tag', 'A file tag that this key did not make');
    return state;
  }
  const nodesOf = ({ nodes }: StoredFile) => {
    if (nodes === undefined) throw new PdpError('structure', 'A file stored without a place for its skip list');
    return nodes;
  };

  /** T = g^m mod N, with the number reduced by the order where the owner computes it. */
  async function tagOf(key: SignedRsaKey, block: Uint8Array): Promise<Uint8Array> {
    const { group, secret } = key;
    return group.power(group.generator, secret === undefined ? block : secret.owner.reduce(block));
  }
  const heightOf = (drawn: Uint8Array): number => {
    const low = new DataView(drawn.buffer, drawn.byteOffset, 4).getUint32(0);
    return Math.clz32(low);
  };
  const leafOf = (tag: Uint8Array, length: number): SkipLeaf => ({
    value: tag.subarray(0, -1),
    height: tag.at(-1)!,
    bytes: length,
  });
  async function taggerOf(secretKey: Uint8Array, file: FileDescription): Promise<BlockTagger> {
    const key = await keys.openSecret(secretKey);
    const seed = await primitives.hmacSha256(key.secret.signing)(ascii('heights'), await fileName(primitives, file));
    const drawn = indexedKeystream(primitives, seed);
    return async (first, blocks) => {
      const tags: Uint8Array[] = [];
      for (let at = 0; at === 0 || at * file.blockBytes < blocks.length; at += 1) {
        const tag = await tagOf(key, blocks.subarray(at * file.blockBytes, (at + 1) * file.blockBytes));
        tags.push(tag, Uint8Array.of(heightOf(await drawn(first + at, 4))));
      }
      return joined(tags);
    };
  }

  /** The changes of a message that is an update of this file as it is now. */
  function openUpdate(state: State, update: Uint8Array, { bytes: length }: RsaGroup) {
    const opened = decodeRecord(UPDATE, update);
    if (opened === undefined || !opened.name.every((byte, at) => byte === state.name[at])) return undefined;
    let { leaves } = state.root;
    const changes: { readonly block: BlockChange; readonly tag: Uint8Array; readonly tower: TowerChange }[] = [];
    for (const { kind, index: place, block, tag } of opened.changes) {
      const isDelete = kind === 'delete';
      const change: BlockChange = isDelete ? { kind, index: place } : { kind, index: place, block };
      if (!isLeafChange(leaves, change) || block.length > state.file.blockBytes) return undefined;
      if (tag.length !== (isDelete ? 0 : length + 1) || (!isDelete && tag.at(-1)! > HEIGHT_MAX)) return undefined;
      leaves += kind === 'insert' ? 1 : isDelete ? -1 : 0;
      const tower: TowerChange = isDelete
        ? { kind, index: place }
        : { kind, index: place, leaf: leafOf(tag, block.length) };
      changes.push({ block: change, tag, tower });
    }
    return changes.length === 0 ? undefined : changes;
  }

  async function reject(
    key: SignedRsaKey,
    { file, root }: State,
    { count, indices, coefficients }: Expansion,
    proof: Uint8Array,
  ): Promise<Rejection | undefined> {
    const { group } = key;
    const sum = proof.subarray(0, weightedSumBytes(file.blockBytes));
    const end = sum.length + count * group.bytes;
    if (proof.length < end) return 'malformed proof';
    const tags: Uint8Array[] = [];
    for (let at = sum.length; at < end; at += group.bytes) tags.push(proof.subarray(at, at + group.bytes));
    if (tags.some((tag) => group.element(tag) === undefined)) return 'malformed proof';
    const leaves = await list.verify(root, indices, proof.subarray(end));
    if (leaves === undefined) return 'wrong proof';
    for (const [at, { bytes: length, digest }] of leaves.entries()) {
      if (!primitives.equal(digest, await list.digest(tags[at]!, length))) return 'wrong proof';
    }
    const drawn = await coefficients().bytes(COEFFICIENT_BYTES * count);
    const exponents = tags.map((_, at) => drawn.subarray(COEFFICIENT_BYTES * at, COEFFICIENT_BYTES * (at + 1)));
    const product = productOfPowers(group.modulus, tags, exponents);
    const expected = await tagOf(key, sum);
    return primitives.equal(expected, group.toBytes(product)) ? undefined : 'wrong proof';
  }

  async function prepareUpdates(
    secretKey: Uint8Array,
    fileTag: Uint8Array,
    wished: readonly BlockChange[],
  ): Promise<Uint8Array> {
    const key = await keys.openSecret(secretKey);
    const { file, name, root } = await owned(key, fileTag);
    if (wished.length === 0 || wished.length > CHANGES_MAX)
      throw new PdpError('selection', `An update has 1 to ${CHANGES_MAX} changes, not ${wished.length}`);
    let { leaves } = root;
    const changes: object[] = [];
    for (const change of wished) {
      const { kind, index: place } = change;
      if (!isLeafChange(leaves, change))
        throw new PdpError('selection', `A file of ${leaves} blocks has no block ${place} to ${kind}`);
      leaves += kind === 'insert' ? 1 : kind === 'delete' ? -1 : 0;
      const block = kind === 'delete' ? new Uint8Array(0) : change.block;
      if (block.length > file.blockBytes)
        throw new PdpError('length', `A block of ${block.length} bytes, in a file of blocks of ${file.blockBytes}`);
      const height = Uint8Array.of(heightOf(primitives.random(4)));
      const tag = kind === 'delete' ? block : joined([await tagOf(key, block), height]);
      changes.push({ kind, index: place, block, tag });
    }
    return encodeRecord({ scheme: facts.name, name, changes });
  }

  async function* leavesOf(server: StoredFile, blocks: number, size: number): AsyncGenerator<SkipLeaf> {
    for (let at = 0; at < blocks; at += 1) {
      const { length } = await server.block(at);
      const leaf = leafOf(await server.tags(at * (size + 1), size + 1), length);
      if (leaf.height > HEIGHT_MAX) throw new PdpError('structure', `The tag of block ${at} is damaged`);
      yield leaf;
    }
  }

  return {
    facts,
    keyGen: (options) => keys.generate(options),
    async tag(secretKey, { file, source, out }) {
      const tagger = await taggerOf(secretKey, file);
      const key = await keys.openSecret(secretKey);
      const stride = key.group.bytes + 1;
      async function* leaves(): AsyncGenerator<SkipLeaf> {
        for await (const { first, blocks } of wholeBlocks(file, source)) {
          const tags = await tagger(first, blocks);
          await out.write(tags);
          for (let at = 0; at * stride < tags.length; at += 1)
            yield leafOf(tags.subarray(at * stride, (at + 1) * stride), blockLength(file, first + at));
        }
      }
      return keys.signFileTag(key, file, encodeRecord(await list.build(blockCount(file), leaves())));
    },
    async challenge(key, fileTag, selection, seed = primitives.random(SEED_BYTES)) {
      const { name, present } = await owned(await keys.open(key), fileTag);
      checkSelection(present, facts.selections, selection);
      return { seed, selection, message: await challengeMessage(primitives, { file: present, name }, seed, selection) };
    },
    async proof(publicKey, server, message) {
      const { group } = await keys.open(publicKey);
      const state = await stored(server);
      const challenge = state && openChallengeMessage({ file: state.present, name: state.name }, message);
      if (challenge === undefined || !facts.selections.includes(challenge.selection.kind)) return undefined;
      const { indices, coefficients } = await expand(primitives, state!.present, challenge);
      const sum = weightedSum(state!.file.blockBytes);
      const stream = coefficients();
      const tags: Uint8Array[] = [];
      for (const at of indices) {
        sum.add(await stream.bytes(COEFFICIENT_BYTES), await server.block(at));
        tags.push((await server.tags(at * (group.bytes + 1), group.bytes)).slice());
      }
      return joined([sum.bytes(), ...tags, await list.prove(nodesOf(server), indices)]);
    },
    async verify(key, fileTag, { seed, selection }: Challenge, proof) {
      const opened = await keys.open(key);
      const state = stateOf(await keys.openFileTag(opened, fileTag));
      if (state === undefined) return { accepted: false, reason: 'file tag' };
      const { present: file, name } = state;
      checkSelection(file, facts.selections, selection);
      const message = await challengeMessage(primitives, { file, name }, seed, selection);
      const expansion = await expand(primitives, file, openChallengeMessage({ file, name }, message)!);
      const reason = await reject(opened, state, expansion, proof);
      return reason === undefined ? { accepted: true } : { accepted: false, reason };
    },
    blockTags: { size: (_file, publicKey) => keys.bytes(publicKey) + 1, tagger: taggerOf },

    blocks: async (key, fileTag) => (await owned(await keys.open(key), fileTag)).root.leaves,
    async build(publicKey, server) {
      const { group } = await keys.open(publicKey);
      const state = await stored(server);
      if (state === undefined) throw new PdpError('file-tag', 'Not a file tag of this scheme');
      const { leaves } = state.root;
      await list.build(leaves, leavesOf(server, leaves, group.bytes), nodesOf(server));
    },
    prepareUpdate: (secretKey, fileTag, change) => prepareUpdates(secretKey, fileTag, [change]),
    prepareUpdates,
    async performUpdate(publicKey, server: DynamicFile, update) {
      const { group } = await keys.open(publicKey);
      const state = await stored(server);
      const changes = state && openUpdate(state, update, group);
      if (changes === undefined) return undefined;
      // Not until the file tag of the last update is here: a message that comes twice is done once.
      const has = await list.root(nodesOf(server));
      if (has?.leaves !== state!.root.leaves || !primitives.equal(has.digest, state!.root.digest)) return undefined;
      const towers = changes.map(({ tower }) => tower);
      const proof = await list.update(nodesOf(server), towers);
      for (const { block, tag } of changes) await server.change(block, tag);
      return proof;
    },
    async verifyUpdate(secretKey, fileTag, update, proof): Promise<UpdateVerdict> {
      const key = await keys.openSecret(secretKey);
      const state = stateOf(await keys.openFileTag(key, fileTag));
      const changes = state && openUpdate(state, update, key.group);
      if (changes === undefined) return { accepted: false, reason: 'file tag' };
      const towers = changes.map(({ tower }) => tower);
      const root = await list.verifyUpdate(state!.root, towers, proof);
      return root === undefined
        ? { accepted: false, reason: 'wrong proof' }
        : { accepted: true, fileTag: await keys.signFileTag(key, state!.file, encodeRecord(root)) };
    },
    async locate(server, offset) {
      const root = await list.root(nodesOf(server));
      if (root === undefined || !(Number.isSafeInteger(offset) && offset >= 0 && offset < root.bytes))
        throw new PdpError('selection', `There is no byte ${offset} in a file of ${root?.bytes ?? 0} bytes`);
      return list.locate(nodesOf(server), offset);
    },
  };
}
