import type { Primitives } from '@cloister/crypto';
import { type Check, record, whole } from '@cloister/protocol';
import { joined, uint64 } from '../encoding.ts';
import { PdpError } from '../pdp-error.ts';
import type { Rejection, Scheme, SchemeFacts, StoredFile, TagRequest } from '../scheme.ts';
import {
  challengeMessage,
  checkSelection,
  openChallengeMessage,
  SEED_BYTES,
  type Selection,
} from '../session/challenge.ts';
import type { FileDescription } from '../session/file-description.ts';
import { type FileTag, openFileTag } from '../session/file-tag.ts';
import { type DeterministicEncryption, deterministicEncryption } from './deterministic-encryption.ts';
import { type PrivateKeys, privateKeys } from './private-keys.ts';
import type { TokenSettings } from './token-schedule.ts';

const KEY_BYTES = 32;
export const TOKENS_MAX = 100_000;
export const BLOCKS_PER_TOKEN_MAX = 1 << 20;
/** What tells which token asks for which block takes 8 bytes a pair while the file is tagged. */
const PAIRS_MAX = 1 << 26;
/** A year of daily challenges, each of which finds a loss of 1 % with 99 %. */
const DEFAULTS: TokenSettings = { tokens: 365, blocksPerToken: 460 };

export const isTokenCount: Check<number> = (value): value is number => whole(TOKENS_MAX)(value) && value >= 1;
export const isBlocksPerToken: Check<number> = (value): value is number =>
  whole(BLOCKS_PER_TOKEN_MAX)(value) && value >= 1;
export const isTokenSettings: Check<TokenSettings> = record({ tokens: isTokenCount, blocksPerToken: isBlocksPerToken });

/** What a challenge tells the prover: k_i, which says which blocks, and c_i, which says how they are hashed. */
export interface Question {
  readonly token: number;
  readonly k: Uint8Array;
  readonly c: Uint8Array;
}

/** One tagging session, as its owner sees it. */
export interface TokenSession {
  readonly file: FileDescription;
  readonly name: Uint8Array;
  /** k_i = f_W(i), c_i = f_Z(i). */
  question(token: number): Promise<Question>;
  /** AE_K. */
  readonly encryption: DeterministicEncryption;
}

/** What differs between the schemes whose challenges were computed when the file was tagged. */
export interface TokenSchemeDefinition<S extends TokenSettings> {
  readonly facts: SchemeFacts;
  /** What the file tag says beside the description, or undefined if that is nothing. */
  state(extra: Uint8Array): S | undefined;
  /** Makes the tokens, and what the file tag says. */
  tag(session: TokenSession, settings: TokenSettings, request: TagRequest): Promise<Uint8Array>;
  prove(opened: Opened<S>, question: Question, stored: StoredFile): Promise<Uint8Array>;
  /** Why the proof is not accepted, or undefined. */
  reject(session: TokenSession, state: S, token: number, proof: Uint8Array): Promise<Rejection | undefined>;
}

/** What a file tag says, with its state decoded. */
export type Opened<S> = FileTag & { readonly state: S };

/** The five functions for such a scheme, and what its updates need. */
export function tokenScheme<S extends TokenSettings>(
  primitives: Primitives,
  wish: Partial<TokenSettings>,
  definition: TokenSchemeDefinition<S>,
): {
  readonly scheme: Scheme;
  readonly keys: PrivateKeys;
  session(secretKey: Uint8Array, file: FileDescription): Promise<TokenSession>;
  open(secretKey: Uint8Array, fileTag: Uint8Array): Promise<Opened<S> | undefined>;
  /** @throws PdpError `file-tag` */
  openOwn(secretKey: Uint8Array, fileTag: Uint8Array): Promise<Opened<S>>;
  /** As the prover reads it, who believes any. */
  openAny(fileTag: Uint8Array): Promise<Opened<S> | undefined>;
} {
  const { facts } = definition;
  const settings: TokenSettings = { ...DEFAULTS, ...wish };
  const { tokens, blocksPerToken } = settings;
  if (!isTokenCount(tokens) || !isBlocksPerToken(blocksPerToken) || tokens * blocksPerToken > PAIRS_MAX)
    throw new PdpError(
      'parameter',
      `1 to ${TOKENS_MAX} tokens of 1 to ${BLOCKS_PER_TOKEN_MAX} blocks, ${PAIRS_MAX} blocks in all, not ${tokens} of ${blocksPerToken}`,
    );
  const keys = privateKeys(primitives, facts.name);

  async function session(secretKey: Uint8Array, file: FileDescription): Promise<TokenSession> {
    const own = await keys.session(secretKey, file);
    const w = primitives.hmacSha256(await own.key('W'));
    const z = primitives.hmacSha256(await own.key('Z'));
    return {
      file,
      name: own.name,
      question: async (token) => ({ token, k: await w(uint64(token)), c: await z(uint64(token)) }),
      encryption: await deterministicEncryption(primitives, await own.key('K')),
    };
  }
  function withState(opened: FileTag | undefined): Opened<S> | undefined {
    const state = opened && definition.state(opened.extra);
    return state && { ...opened!, state };
  }
  const open = async (secretKey: Uint8Array, fileTag: Uint8Array) =>
    withState(await keys.openFileTag(secretKey, fileTag));
  async function openOwn(secretKey: Uint8Array, fileTag: Uint8Array) {
    const opened = await open(secretKey, fileTag);
    if (opened === undefined) throw new PdpError('file-tag', 'A file tag that this key did not make');
    return opened;
  }
  function tokenOf({ file, state }: Opened<S>, selection: Selection): number {
    checkSelection(file, facts.selections, selection);
    if (selection.kind !== 'token' || selection.token >= state.tokens)
      throw new PdpError('selection', `There are ${state.tokens} tokens, numbered from 0`);
    return selection.token;
  }
  const openAny = async (fileTag: Uint8Array) =>
    withState(await openFileTag(primitives, facts.name, fileTag, () => true));

  return {
    keys,
    session,
    open,
    openOwn,
    openAny,
    scheme: {
      facts,
      keyGen: async () => keys.generate(),
      async tag(secretKey, request) {
        const extra = await definition.tag(await session(secretKey, request.file), settings, request);
        return keys.makeFileTag(secretKey, request.file, extra);
      },
      async challenge(secretKey, fileTag, selection, seed = primitives.random(SEED_BYTES)) {
        const opened = await openOwn(secretKey, fileTag);
        const token = tokenOf(opened, selection);
        const { k, c } = await (await session(secretKey, opened.file)).question(token);
        return {
          seed,
          selection,
          message: await challengeMessage(primitives, opened, seed, selection, joined([k, c])),
        };
      },
      async proof(_publicKey, stored, message) {
        const opened = await openAny(stored.fileTag);
        const challenge = opened && openChallengeMessage(opened, message);
        if (challenge?.selection.kind !== 'token' || challenge.extra.length !== 2 * KEY_BYTES) return undefined;
        const { token } = challenge.selection;
        if (token >= opened!.state.tokens) return undefined;
        const question = {
          token,
          k: challenge.extra.subarray(0, KEY_BYTES),
          c: challenge.extra.subarray(KEY_BYTES),
        };
        return definition.prove(opened!, question, stored);
      },
      async verify(secretKey, fileTag, { selection }, proof) {
        const opened = await open(secretKey, fileTag);
        if (opened === undefined) return { accepted: false, reason: 'file tag' };
        const token = tokenOf(opened, selection);
        const own = await session(secretKey, opened.file);
        const reason = await definition.reject(own, opened.state, token, proof);
        return reason === undefined ? { accepted: true } : { accepted: false, reason };
      },
    },
  };
}
