import type { Primitives } from '@cloister/crypto';
import { PdpError } from '../pdp-error.ts';
import type { BlockTagger, Rejection, Scheme, SchemeFacts, StoredFile } from '../scheme.ts';
import {
  challengeMessage,
  checkSelection,
  type Expansion,
  expand,
  openChallengeMessage,
  SEED_BYTES,
} from '../session/challenge.ts';
import type { FileDescription } from '../session/file-description.ts';
import { openFileTag } from '../session/file-tag.ts';
import { wholeBlocks } from '../session/whole-blocks.ts';
import { type KeyParts, type PrivateSession, privateKeys } from './private-keys.ts';

/** What a prover is asked, beside the blocks. */
interface Asked<Public> {
  /** What the public key holds. */
  readonly parts: Public;
  /** What `challengeExtra` made, or what a stranger says it did. */
  readonly extra: Uint8Array;
}

/** What differs between the schemes that one symmetric master key verifies and whose tags are one a block. */
export interface PrivateSchemeDefinition<Secret = undefined, Public = undefined> {
  readonly facts: SchemeFacts;
  /** Of a scheme whose keys hold more than the master key. */
  readonly keys?: KeyParts<Secret, Public>;
  /** Bytes of a tag. */
  readonly tagBytes: number | ((parts: Public) => number);
  tagger(session: PrivateSession<Secret>): Promise<BlockTagger>;
  /** What a challenge holds beside the prover's seed. */
  challengeExtra?(session: PrivateSession<Secret>, seed: Uint8Array): Promise<Uint8Array>;
  /** A proof, or undefined if what was asked beside the blocks is none of this scheme. */
  prove(
    file: FileDescription,
    expansion: Expansion,
    stored: StoredFile,
    asked: Asked<Public>,
  ): Promise<Uint8Array | undefined>;
  /** Why the proof is not accepted, or undefined. */
  reject(
    session: PrivateSession<Secret>,
    expansion: Expansion,
    proof: Uint8Array,
    seed: Uint8Array,
  ): Promise<Rejection | undefined>;
}

/** The five functions for such a scheme; its file tag carries a MAC. */
export function privateScheme<Secret = undefined, Public = undefined>(
  primitives: Primitives,
  definition: PrivateSchemeDefinition<Secret, Public>,
): Scheme {
  const { facts, tagBytes } = definition;
  const keys = privateKeys(primitives, facts.name, definition.keys);

  return {
    facts,
    async keyGen(options = {}) {
      if (facts.broken !== undefined && options.insecure !== true)
        throw new PdpError('parameter', `The scheme "${facts.name}" is broken and is for comparison only`);
      return keys.generate(options);
    },
    async tag(secretKey, { file, source, out }) {
      const tagger = await definition.tagger(await keys.session(secretKey, file));
      for await (const { first, blocks } of wholeBlocks(file, source)) await out.write(await tagger(first, blocks));
      return keys.makeFileTag(secretKey, file, new Uint8Array(0));
    },
    async challenge(secretKey, fileTag, selection, seed = primitives.random(SEED_BYTES)) {
      const opened = await keys.openFileTag(secretKey, fileTag);
      if (opened === undefined) throw new PdpError('file-tag', 'A file tag that this key did not make');
      checkSelection(opened.file, facts.selections, selection);
      const extra = await definition.challengeExtra?.(await keys.session(secretKey, opened.file), seed);
      return { seed, selection, message: await challengeMessage(primitives, opened, seed, selection, extra) };
    },
    async proof(publicKey, stored, message) {
      const parts = keys.publicParts(publicKey);
      const opened = await openFileTag(primitives, facts.name, stored.fileTag, () => true);
      const challenge = opened && openChallengeMessage(opened, message);
      if (challenge === undefined || !facts.selections.includes(challenge.selection.kind)) return undefined;
      const { file } = opened!;
      const { extra } = challenge;
      return definition.prove(file, await expand(primitives, file, challenge), stored, { parts, extra });
    },
    async verify(secretKey, fileTag, { seed, selection }, proof) {
      const opened = await keys.openFileTag(secretKey, fileTag);
      if (opened === undefined) return { accepted: false, reason: 'file tag' };
      checkSelection(opened.file, facts.selections, selection);
      const message = openChallengeMessage(opened, await challengeMessage(primitives, opened, seed, selection))!;
      const expansion = await expand(primitives, opened.file, message);
      const reason = await definition.reject(await keys.session(secretKey, opened.file), expansion, proof, seed);
      return reason === undefined ? { accepted: true } : { accepted: false, reason };
    },
    blockTags: {
      size: (_file, publicKey) => (typeof tagBytes === 'number' ? tagBytes : tagBytes(keys.publicParts(publicKey))),
      tagger: async (secretKey, file) => definition.tagger(await keys.session(secretKey, file)),
    },
  };
}
