import type { Primitives } from '@cloister/crypto';
import {
  challengeMessage,
  checkSelection,
  type Expansion,
  expand,
  openChallengeMessage,
  SEED_BYTES,
} from './challenge.ts';
import type { FileDescription } from './file-description.ts';
import { openFileTag } from './file-tag.ts';
import { PdpError } from './pdp-error.ts';
import { type PrivateSession, privateKeys } from './private-keys.ts';
import type { BlockTagger, Rejection, Scheme, SchemeFacts, StoredFile } from './scheme.ts';
import { wholeBlocks } from './whole-blocks.ts';

/** What differs between the schemes whose key is one symmetric master key and whose tags are one a block. */
export interface PrivateSchemeDefinition {
  readonly facts: SchemeFacts;
  /** Bytes of a tag. */
  readonly tagBytes: number;
  tagger(session: PrivateSession): Promise<BlockTagger>;
  prove(file: FileDescription, expansion: Expansion, stored: StoredFile): Promise<Uint8Array>;
  /** Why the proof is not accepted, or undefined. */
  reject(session: PrivateSession, expansion: Expansion, proof: Uint8Array): Promise<Rejection | undefined>;
}

/** The five functions for such a scheme; its file tag carries a MAC. */
export function privateScheme(primitives: Primitives, definition: PrivateSchemeDefinition): Scheme {
  const { facts, tagBytes } = definition;
  const keys = privateKeys(primitives, facts.name);

  return {
    facts,
    keyGen: async () => keys.generate(),
    async tag(secretKey, { file, source, out }) {
      const tagger = await definition.tagger(await keys.session(secretKey, file));
      for await (const { first, blocks } of wholeBlocks(file, source)) await out.write(await tagger(first, blocks));
      return keys.makeFileTag(secretKey, file, new Uint8Array(0));
    },
    async challenge(secretKey, fileTag, selection, seed = primitives.random(SEED_BYTES)) {
      const opened = await keys.openFileTag(secretKey, fileTag);
      if (opened === undefined) throw new PdpError('file-tag', 'A file tag that this key did not make');
      checkSelection(opened.file, facts.selections, selection);
      return { seed, selection, message: await challengeMessage(primitives, opened, seed, selection) };
    },
    async proof(_publicKey, stored, message) {
      const opened = await openFileTag(primitives, facts.name, stored.fileTag, () => true);
      const challenge = opened && openChallengeMessage(opened, message);
      if (challenge === undefined || !facts.selections.includes(challenge.selection.kind)) return undefined;
      return definition.prove(opened!.file, await expand(primitives, opened!.file, challenge), stored);
    },
    async verify(secretKey, fileTag, { seed, selection }, proof) {
      const opened = await keys.openFileTag(secretKey, fileTag);
      if (opened === undefined) return { accepted: false, reason: 'file tag' };
      checkSelection(opened.file, facts.selections, selection);
      const message = openChallengeMessage(opened, await challengeMessage(primitives, opened, seed, selection))!;
      const expansion = await expand(primitives, opened.file, message);
      const reason = await definition.reject(await keys.session(secretKey, opened.file), expansion, proof);
      return reason === undefined ? { accepted: true } : { accepted: false, reason };
    },
    blockTags: {
      size: () => tagBytes,
      tagger: async (secretKey, file) => definition.tagger(await keys.session(secretKey, file)),
    },
  };
}
