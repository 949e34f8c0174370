import type { Primitives } from '@cloister/crypto';
import { oneOf, record } from '@cloister/protocol';
import {
  challengeMessage,
  checkSelection,
  type Expansion,
  expand,
  openChallengeMessage,
  SEED_BYTES,
} from './challenge.ts';
import { ascii, bytes, decodeRecord, encodeRecord } from './encoding.ts';
import { type FileDescription, fileName } from './file-description.ts';
import { type FileTag, makeFileTag, openFileTag } from './file-tag.ts';
import { PdpError } from './pdp-error.ts';
import type { BlockTagger, Rejection, Scheme, SchemeFacts, StoredFile } from './scheme.ts';
import { wholeBlocks } from './whole-blocks.ts';

const MASTER_BYTES = 32;

/** One tagging session, with keys that no other session has. */
export interface PrivateSession {
  readonly file: FileDescription;
  readonly name: Uint8Array;
  /** A 32-byte key for one purpose: HMAC-SHA256 under the master key, of the purpose and the session's name. */
  key(purpose: string): Promise<Uint8Array>;
}

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
  const SECRET = record({ scheme: oneOf(facts.name), secret: bytes(MASTER_BYTES) });

  function masterKey(secretKey: Uint8Array): Uint8Array {
    const key = decodeRecord(SECRET, secretKey);
    if (key === undefined) throw new PdpError('key', `Not a secret key of the scheme "${facts.name}"`);
    return key.secret;
  }
  async function session(secretKey: Uint8Array, file: FileDescription): Promise<PrivateSession> {
    const keyed = primitives.hmacSha256(masterKey(secretKey));
    const name = await fileName(primitives, file);
    return { file, name, key: async (purpose) => keyed(ascii(`${facts.name} ${purpose}`), name) };
  }
  const fileTagMac = (secretKey: Uint8Array) => {
    const keyed = primitives.hmacSha256(masterKey(secretKey));
    return async (body: Uint8Array) => primitives.hmacSha256(await keyed(ascii(`${facts.name} file tag`)))(body);
  };
  async function openOwn(secretKey: Uint8Array, fileTag: Uint8Array): Promise<FileTag | undefined> {
    const mac = fileTagMac(secretKey);
    return openFileTag(primitives, facts.name, fileTag, async (body, code) => primitives.equal(await mac(body), code));
  }

  return {
    facts,
    async keyGen() {
      return {
        secret: encodeRecord({ scheme: facts.name, secret: primitives.random(MASTER_BYTES) }),
        public: encodeRecord({ scheme: facts.name }),
      };
    },
    async tag(secretKey, { file, source, out }) {
      const tagger = await definition.tagger(await session(secretKey, file));
      for await (const { first, blocks } of wholeBlocks(file, source)) await out.write(await tagger(first, blocks));
      return makeFileTag(file, new Uint8Array(0), fileTagMac(secretKey));
    },
    async challenge(secretKey, fileTag, selection, seed = primitives.random(SEED_BYTES)) {
      const opened = await openOwn(secretKey, fileTag);
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
      const opened = await openOwn(secretKey, fileTag);
      if (opened === undefined) return { accepted: false, reason: 'file tag' };
      checkSelection(opened.file, facts.selections, selection);
      const message = openChallengeMessage(opened, await challengeMessage(primitives, opened, seed, selection))!;
      const expansion = await expand(primitives, opened.file, message);
      const reason = await definition.reject(await session(secretKey, opened.file), expansion, proof);
      return reason === undefined ? { accepted: true } : { accepted: false, reason };
    },
    blockTags: {
      size: () => tagBytes,
      tagger: async (secretKey, file) => definition.tagger(await session(secretKey, file)),
    },
  };
}
