import type { Answer, Primitives } from '@cloister/crypto';
import { oneOf, record } from '@cloister/protocol';
import { bytes, decodeRecord, encodeRecord, joined } from '../encoding.ts';
import { PdpError } from '../pdp-error.ts';
import type { Scheme, SchemeFacts, StoredFile, TagOutput } from '../scheme.ts';
import { challengeMessage, checkSelection, expand, openChallengeMessage, SEED_BYTES } from '../session/challenge.ts';
import { blockCount, blockLength, type FileDescription, fileName } from '../session/file-description.ts';
import { type FileTag, openFileTag } from '../session/file-tag.ts';
import { openSignedFileTag, signFileTag } from '../session/signed-file-tag.ts';
import { wholeBlocks } from '../session/whole-blocks.ts';
import { MERKLE_RECORD_BYTES, merkleTree } from '../structures/merkle-tree.ts';
import type { NodeStore } from '../structures/node-store.ts';

const KEY_BYTES = 32;
const DIGEST_BYTES = 32;
/** So many records of the tree are written at once. */
const RECORDS_AT_ONCE = 512;

const FACTS = {
  name: 'sha256-merkle',
  verification: 'public',
  data: 'static',
  selections: ['sample', 'list', 'range'],
  assumption: 'SHA-256 is collision-resistant; Ed25519 signatures cannot be forged',
  source: 'Merkle, CRYPTO 1987; Filecoin PDP (FilOzone, PDPVerifier, 2025)',
  year: 2025,
  proofHoldsBlocks: true,
  limits: 'A proof holds the blocks themselves: it saves no transfer, and who verifies sees the data',
} as const satisfies SchemeFacts;
const SECRET = record({ scheme: oneOf(FACTS.name), signing: bytes(KEY_BYTES), verifying: bytes(KEY_BYTES) });
const PUBLIC = record({ scheme: oneOf(FACTS.name), verifying: bytes(KEY_BYTES) });

/**
 * A Merkle tree over the blocks, as in Filecoin's proof of data possession: the root is published, a challenge draws blocks, and
 * the proof is those blocks with their paths to the root. Anybody verifies, and no secret is needed to tag but the one that
 * signs the root. It assumes a collision-resistant hash alone.
 *
 *     tag        root of the tree whose leaf i is SHA-256(0 | name | m_i); the file tag carries it under the owner's signature
 *     proof      the blocks m_i asked for, and one merged proof of their leaves
 *     accepted   the proof leads from these leaves, at these indices, to the root
 *
 * Other than in Filecoin's PDPVerifier: leaves are blocks of the file's block size, where it has 32 bytes of data as they are; its
 * inner nodes are SHA-256 of both children with two bits cleared (sha2-256-trunc254, so that a digest is an element of the
 * field of its other proofs), which nothing here needs, and say neither whether they are leaves nor how many are below, so that its
 * trees must have a known height; ours have ranks and are bound to the session's name. So a root is no piece commitment of Filecoin's. It asks for 5
 * leaves a day; of 1 % lost that finds 4.9 %. What Tag writes is the tree, in the order it is made: 96 bytes a block.
 */
export function sha256Merkle(primitives: Primitives): Scheme {
  const tree = merkleTree(primitives);
  const leafOf = (name: Uint8Array, block: Uint8Array) => tree.leaf(name, block);

  function verifyingKey(key: Uint8Array): Uint8Array {
    const opened = decodeRecord(PUBLIC, key) ?? decodeRecord(SECRET, key);
    if (opened === undefined) throw new PdpError('key', `Not a key of the scheme "${FACTS.name}"`);
    return opened.verifying;
  }
  const openOwn = (key: Uint8Array, fileTag: Uint8Array): Promise<FileTag | undefined> =>
    openSignedFileTag(primitives, FACTS.name, verifyingKey(key), fileTag);

  return {
    facts: FACTS,
    async keyGen() {
      const { secret: signing, public: verifying } = await primitives.ed25519.generate();
      return {
        secret: encodeRecord({ scheme: FACTS.name, signing, verifying }),
        public: encodeRecord({ scheme: FACTS.name, verifying }),
      };
    },
    async tag(secretKey, { file, source, out }) {
      const key = decodeRecord(SECRET, secretKey);
      if (key === undefined) throw new PdpError('key', `Not a secret key of the scheme "${FACTS.name}"`);
      const name = await fileName(primitives, file);
      async function* leaves(): AsyncGenerator<Uint8Array> {
        for await (const { blocks } of wholeBlocks(file, source))
          for (let at = 0; at === 0 || at < blocks.length; at += file.blockBytes)
            yield leafOf(name, blocks.subarray(at, at + file.blockBytes));
      }
      const { digest } = await tree.build(blockCount(file), leaves(), writingTo(out));
      return signFileTag(primitives, key.signing, file, digest);
    },
    async challenge(key, fileTag, selection, seed = primitives.random(SEED_BYTES)) {
      const opened = await openOwn(key, fileTag);
      if (opened === undefined) throw new PdpError('file-tag', 'A file tag that this key did not make');
      checkSelection(opened.file, FACTS.selections, selection);
      return { seed, selection, message: await challengeMessage(primitives, opened, seed, selection) };
    },
    async proof(_publicKey, stored, message) {
      const opened = await openFileTag(primitives, FACTS.name, stored.fileTag, () => true);
      const challenge = opened && openChallengeMessage(opened, message);
      if (challenge === undefined || challenge.selection.kind === 'token') return undefined;
      const indices = [...(await expand(primitives, opened!.file, challenge)).indices];
      const blocks: Uint8Array[] = [];
      for (const index of indices) blocks.push(await stored.block(index));
      return joined([...blocks, await tree.prove(readingFrom(opened!.file, stored), indices)]);
    },
    async verify(key, fileTag, { seed, selection }, proof) {
      const opened = await openOwn(key, fileTag);
      if (opened === undefined || opened.extra.length !== DIGEST_BYTES) return { accepted: false, reason: 'file tag' };
      const { file, name } = opened;
      checkSelection(file, FACTS.selections, selection);
      const message = openChallengeMessage(opened, await challengeMessage(primitives, opened, seed, selection))!;
      const indices = [...(await expand(primitives, file, message)).indices];

      const end = indices.reduce((sum, index) => sum + blockLength(file, index), 0);
      if (proof.length < end) return { accepted: false, reason: 'malformed proof' };
      const root = { leaves: blockCount(file), digest: opened.extra };
      const leaves = await tree.verify(root, indices, proof.subarray(end));
      if (leaves === undefined) return { accepted: false, reason: 'wrong proof' };
      let from = 0;
      for (const [at, index] of indices.entries()) {
        const to = from + blockLength(file, index);
        if (!primitives.equal(await leafOf(name, proof.subarray(from, to)), leaves[at]!))
          return { accepted: false, reason: 'wrong proof' };
        from = to;
      }
      return { accepted: true };
    },
  };
}

/** Takes the records of a tree that is built, which come in the order of their numbers, with number 0 last. */
function writingTo(out: TagOutput): NodeStore {
  let waiting: Uint8Array[] = [];
  return {
    get: () => undefined,
    async put(number, node) {
      waiting.push(node);
      if (number !== 0 && waiting.length < RECORDS_AT_ONCE) return;
      await out.write(joined(waiting));
      waiting = [];
    },
  };
}

/** Finds them there again: one a block, the root's the last. */
function readingFrom(file: FileDescription, stored: StoredFile): NodeStore {
  const last = blockCount(file) - 1;
  return {
    get: (number): Answer<Uint8Array> =>
      stored.tags((number === 0 ? last : number - 1) * MERKLE_RECORD_BYTES, MERKLE_RECORD_BYTES),
    put: () => undefined,
  };
}
