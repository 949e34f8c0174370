import type { Answer, Primitives } from '@cloister/crypto';
import { type Check, oneOf, record } from '@cloister/protocol';
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
import type { BlockTagger, KeyOptions, Rejection, Scheme, SchemeFacts, StoredFile } from './scheme.ts';
import { wholeBlocks } from './whole-blocks.ts';

const MASTER_BYTES = 32;

/** What the keys of a scheme hold beside the master key: records for CBOR, and what they are once they were checked. */
export interface KeyParts<Secret, Public> {
  /** @throws PdpError `parameter` */
  generate(options: KeyOptions): Promise<{ readonly secret: object; readonly public: object }>;
  openSecret(parts: unknown): Answer<Secret | undefined>;
  openPublic(parts: unknown): Public | undefined;
}

/** One tagging session, with keys that no other session has. */
export interface PrivateSession<Secret = undefined> {
  readonly file: FileDescription;
  readonly name: Uint8Array;
  /** What the secret key holds beside the master key. */
  readonly parts: Secret;
  /** A 32-byte key for one purpose: HMAC-SHA256 under the master key, of the purpose and the session's name. */
  key(purpose: string): Promise<Uint8Array>;
}

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

/** What a secret key opens: sessions, and the master key itself. */
interface PrivateSessions<Secret> {
  /** @throws PdpError `key` */
  open(secretKey: Uint8Array): Promise<{ readonly master: Uint8Array; readonly parts: Secret }>;
  /** @throws PdpError `key` */
  session(secretKey: Uint8Array, file: FileDescription): Promise<PrivateSession<Secret>>;
}

export function privateSessions<Secret = undefined, Public = undefined>(
  primitives: Primitives,
  scheme: string,
  keys?: KeyParts<Secret, Public>,
): PrivateSessions<Secret> {
  const SECRET = record({ scheme: oneOf(scheme), secret: bytes(MASTER_BYTES), ...(keys && { parts: anything }) });
  const open = lastOpened(primitives, async (secretKey) => {
    const key: { readonly secret: Uint8Array; readonly parts?: unknown } | undefined = decodeRecord(SECRET, secretKey);
    const parts = key && (await keys?.openSecret(key.parts));
    if (key === undefined || (keys !== undefined && parts === undefined))
      throw new PdpError('key', `Not a secret key of the scheme "${scheme}"`);
    return { master: key.secret, parts: parts as Secret };
  });
  return {
    open,
    async session(secretKey, file) {
      const { master, parts } = await open(secretKey);
      const keyed = primitives.hmacSha256(master);
      const name = await fileName(primitives, file);
      return { file, name, parts, key: async (purpose) => keyed(ascii(`${scheme} ${purpose}`), name) };
    },
  };
}

/** The five functions for such a scheme; its file tag carries a MAC. */
export function privateScheme<Secret = undefined, Public = undefined>(
  primitives: Primitives,
  definition: PrivateSchemeDefinition<Secret, Public>,
): Scheme {
  const { facts, keys, tagBytes } = definition;
  const { open, session } = privateSessions(primitives, facts.name, keys);
  const PUBLIC = record({ scheme: oneOf(facts.name), ...(keys && { parts: anything }) });

  function publicParts(publicKey: Uint8Array): Public {
    const key: { readonly parts?: unknown } | undefined = decodeRecord(PUBLIC, publicKey);
    const parts = key && keys?.openPublic(key.parts);
    if (key === undefined || (keys !== undefined && parts === undefined))
      throw new PdpError('key', `Not a public key of the scheme "${facts.name}"`);
    return parts as Public;
  }
  const fileTagMac = async (secretKey: Uint8Array) => {
    const keyed = primitives.hmacSha256((await open(secretKey)).master);
    return async (body: Uint8Array) => primitives.hmacSha256(await keyed(ascii(`${facts.name} file tag`)))(body);
  };
  async function openOwn(secretKey: Uint8Array, fileTag: Uint8Array): Promise<FileTag | undefined> {
    const mac = await fileTagMac(secretKey);
    return openFileTag(primitives, facts.name, fileTag, async (body, code) => primitives.equal(await mac(body), code));
  }

  return {
    facts,
    async keyGen(options = {}) {
      if (facts.broken !== undefined && options.insecure !== true)
        throw new PdpError('parameter', `The scheme "${facts.name}" is broken and is for comparison only`);
      const parts = await keys?.generate(options);
      return {
        secret: encodeRecord({
          scheme: facts.name,
          secret: primitives.random(MASTER_BYTES),
          ...(parts && { parts: parts.secret }),
        }),
        public: encodeRecord({ scheme: facts.name, ...(parts && { parts: parts.public }) }),
      };
    },
    async tag(secretKey, { file, source, out }) {
      const tagger = await definition.tagger(await session(secretKey, file));
      for await (const { first, blocks } of wholeBlocks(file, source)) await out.write(await tagger(first, blocks));
      return makeFileTag(file, new Uint8Array(0), await fileTagMac(secretKey));
    },
    async challenge(secretKey, fileTag, selection, seed = primitives.random(SEED_BYTES)) {
      const opened = await openOwn(secretKey, fileTag);
      if (opened === undefined) throw new PdpError('file-tag', 'A file tag that this key did not make');
      checkSelection(opened.file, facts.selections, selection);
      const extra = await definition.challengeExtra?.(await session(secretKey, opened.file), seed);
      return { seed, selection, message: await challengeMessage(primitives, opened, seed, selection, extra) };
    },
    async proof(publicKey, stored, message) {
      const parts = publicParts(publicKey);
      const opened = await openFileTag(primitives, facts.name, stored.fileTag, () => true);
      const challenge = opened && openChallengeMessage(opened, message);
      if (challenge === undefined || !facts.selections.includes(challenge.selection.kind)) return undefined;
      const { file } = opened!;
      const { extra } = challenge;
      return definition.prove(file, await expand(primitives, file, challenge), stored, { parts, extra });
    },
    async verify(secretKey, fileTag, { seed, selection }, proof) {
      const opened = await openOwn(secretKey, fileTag);
      if (opened === undefined) return { accepted: false, reason: 'file tag' };
      checkSelection(opened.file, facts.selections, selection);
      const message = openChallengeMessage(opened, await challengeMessage(primitives, opened, seed, selection))!;
      const expansion = await expand(primitives, opened.file, message);
      const reason = await definition.reject(await session(secretKey, opened.file), expansion, proof, seed);
      return reason === undefined ? { accepted: true } : { accepted: false, reason };
    },
    blockTags: {
      size: (_file, publicKey) => (typeof tagBytes === 'number' ? tagBytes : tagBytes(publicParts(publicKey))),
      tagger: async (secretKey, file) => definition.tagger(await session(secretKey, file)),
    },
  };
}

const anything: Check<unknown> = (_value): _value is unknown => true;

/** What a key is once it was opened, which is kept for the next call with the same one: a wide key takes milliseconds. */
function lastOpened<T>(
  { equal }: Primitives,
  open: (encoded: Uint8Array) => Promise<T>,
): (encoded: Uint8Array) => Promise<T> {
  let last: { readonly encoded: Uint8Array; readonly opened: T } | undefined;
  return async (encoded) => {
    if (last !== undefined && equal(last.encoded, encoded)) return last.opened;
    const copy = encoded.slice();
    const opened = await open(copy);
    last = { encoded: copy, opened };
    return opened;
  };
}
