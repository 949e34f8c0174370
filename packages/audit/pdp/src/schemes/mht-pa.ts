import type { Primitives } from '@cloister/crypto';
import { record, whole } from '@cloister/protocol';
import { bytes, decodeRecord, encodeRecord, joined } from '../encoding.ts';
import {
  aggregate,
  aggregateBytes,
  blockSigner,
  cut,
  decodeAggregate,
  encodeAggregate,
  hashSum,
  type Labelled,
  sectorsIn,
  storedBlocks,
  takeCoefficient,
} from '../families/bls-tags.ts';
import { dynamicPublicScheme } from '../families/dynamic-public-scheme.ts';
import { PdpError } from '../pdp-error.ts';
import type { BlockChange, DynamicScheme, StoredFile } from '../scheme.ts';
import type { Expansion } from '../session/challenge.ts';
import { blockCount } from '../session/file-description.ts';
import type { FileTag } from '../session/file-tag.ts';
import { type LeafChange, type MerkleRoot, merkleTree } from '../structures/merkle-tree.ts';

const EXTRA = record({ leaves: whole(Number.MAX_SAFE_INTEGER), digest: bytes(32) });

/**
 * Public auditing with a Merkle hash tree (Wang, Wang, Li, Ren and Lou, ESORICS 2009 and IEEE TPDS 22(5), 2011), with ranks.
 *
 * - KeyGen: as in CPOR: x; v = g2^x; u_j = g1^{alpha_j}.
 * - Tag: d_i = SHA-256(0 | m_i), the leaves of a Merkle tree; sigma_i = (H(name | d_i) prod_j u_j^{m_ij})^x; the signed file tag
 *   holds the root.
 * - Proof: mu_j = sum nu_i m_ij, sigma = prod sigma_i^{nu_i}, and the part of the tree that shows d_i at place i.
 * - Verify: d_i under the root, and e(sigma, g2) = e(prod H(name | d_i)^{nu_i} prod u_j^{mu_j}, v).
 * - Update: the part of the tree that the change touches, from which its new root follows; the owner signs that.
 *
 * Co-Diffie-Hellman, random oracle, collision resistance. The verifier's state is the file tag, 300 bytes whatever the file's
 * size; the server's structure is 96 bytes a block. A proof adds some 32 log2(n / c) bytes a block to CPOR's. What it does not
 * give: retrievability, privacy. Who tags again under one name gives nothing away, since other content has another d_i.
 * Other than in the paper: a block is s sectors below the order (with a block as one exponent the server keeps m_i mod
 * r); ranks in the nodes fix a leaf's index (the paper's tree lets another block answer for the one asked); the root is
 * the verifier's and does not come with the proof (the paper's server sends the signed root, and an old one does); H is over a
 * digest, so that proofs carry 32 bytes and not points; the file's name is hashed.
 */
export function mhtPa(primitives: Primitives): DynamicScheme {
  const tree = merkleTree(primitives);

  function rootOf({ extra }: FileTag): MerkleRoot | undefined {
    const root = decodeRecord(EXTRA, extra);
    return root !== undefined && root.leaves >= 1 ? root : undefined;
  }
  const nodesOf = ({ nodes }: StoredFile) => {
    if (nodes === undefined) throw new PdpError('structure', 'A file stored without a place for its tree');
    return nodes;
  };
  const leafChange = async (change: BlockChange): Promise<LeafChange> =>
    change.kind === 'delete' ? change : { kind: change.kind, index: change.index, leaf: await tree.leaf(change.block) };
  async function* labels(name: Uint8Array, digests: readonly Uint8Array[], { coefficients }: Expansion) {
    const stream = coefficients();
    for (const digest of digests)
      yield { label: joined([name, digest]), coefficient: await takeCoefficient(stream) } satisfies Labelled;
  }

  return dynamicPublicScheme(primitives, {
    facts: {
      name: 'mht-pa',
      verification: 'public',
      data: 'dynamic',
      selections: ['sample', 'list', 'range'],
      assumption: 'Computational co-Diffie-Hellman on BLS12-381, random oracle, collision resistance of SHA-256',
      source: 'Wang, Wang, Li, Ren and Lou, ESORICS 2009; IEEE TPDS 22(5), 2011',
      year: 2009,
      limits: 'Slow to tag and to verify; who verifies learns linear combinations of the data',
    },

    tagger({ group }, key, { file, name }) {
      const sign = blockSigner(group, key);
      return async (_first, blocks) =>
        joined(
          await Promise.all(
            cut(file, blocks).map(async (block) => sign(joined([name, await tree.leaf(block)]), block)),
          ),
        );
    },

    async summary(file, batches) {
      async function* leaves() {
        for await (const { blocks } of batches) for (const block of cut(file, blocks)) yield tree.leaf(block);
      }
      return encodeRecord(await tree.build(blockCount(file), leaves()));
    },

    blocks: (session) => rootOf(session)?.leaves,

    async build(stored, blocks) {
      async function* leaves() {
        for (let at = 0; at < blocks; at += 1) yield tree.leaf(await stored.block(at));
      }
      await tree.build(blocks, leaves(), nodesOf(stored));
    },

    async prove({ group }, _publicKey, { file }, expansion, stored) {
      const answer = await aggregate(group, file, storedBlocks(expansion, stored));
      return joined([encodeAggregate(group, answer), await tree.prove(nodesOf(stored), expansion.indices)]);
    },

    async equation({ group }, session, expansion, proof) {
      const sectors = sectorsIn(session.file);
      const end = aggregateBytes(sectors);
      const answer = decodeAggregate(group, sectors, proof.subarray(0, end));
      if (answer === undefined) return 'malformed proof';
      const digests = await tree.verify(rootOf(session)!, expansion.indices, proof.subarray(end));
      if (digests === undefined) return 'wrong proof';
      return { ...answer, hashes: await hashSum(group, labels(session.name, digests, expansion)) };
    },

    async sign({ group }, key, { name }, change) {
      const nothing = new Uint8Array(0);
      if (change.kind === 'delete') return { change, tag: nothing, note: nothing };
      const label = joined([name, await tree.leaf(change.block)]);
      return { change, tag: blockSigner(group, key)(label, change.block), note: nothing };
    },

    async perform(session, stored, { change }) {
      // Not until the file tag of the last update is here: a message that comes twice is done once.
      const [has, root] = [await tree.root(nodesOf(stored)), rootOf(session)!];
      if (has?.leaves !== root.leaves || !primitives.equal(has.digest, root.digest)) return undefined;
      return tree.update(nodesOf(stored), await leafChange(change));
    },

    async follow(session, { change }, proof) {
      const root = await tree.verifyUpdate(rootOf(session)!, await leafChange(change), proof);
      return root && encodeRecord(root);
    },
  });
}
