import type { Primitives } from '@cloister/crypto';
import { type Check, oneOf, record, whole } from '@cloister/protocol';
import { bytes, bytesUpTo, decodeRecord, encodeRecord, joined, uint64 } from '../encoding.ts';
import { SEALED_BYTES } from '../families/deterministic-encryption.ts';
import { type TokenSettings, tokenIndices, tokenSchedule } from '../families/token-schedule.ts';
import {
  isBlocksPerToken,
  isTokenCount,
  type Opened,
  type Question,
  TOKENS_MAX,
  tokenScheme,
} from '../families/token-scheme.ts';
import { PdpError } from '../pdp-error.ts';
import type { BlockChange, DynamicScheme } from '../scheme.ts';
import { BLOCK_BYTES_MAX, blockCount } from '../session/file-description.ts';
import { wholeBlocks } from '../session/whole-blocks.ts';

const NAME = 'sepdp-dynamic';
const VALUE_BYTES = 32;
/** A tag is the number of the update that wrote the block. */
const TAG_BYTES = 8;

/** What the file tag says: the verifier's state. */
interface TokenState extends TokenSettings {
  /** How many updates there were. */
  readonly counter: number;
  readonly blocks: number;
  /** v'_i, one after the other. */
  readonly sealed: Uint8Array;
}
const STATE = record({
  tokens: isTokenCount,
  blocksPerToken: isBlocksPerToken,
  counter: whole(Number.MAX_SAFE_INTEGER),
  blocks: whole(Number.MAX_SAFE_INTEGER),
  sealed: bytesUpTo(TOKENS_MAX * SEALED_BYTES),
});

const index = whole(Number.MAX_SAFE_INTEGER);
const block = bytesUpTo(BLOCK_BYTES_MAX);
const CHANGES: readonly Check<BlockChange>[] = [
  record({ kind: oneOf('modify'), index, block }),
  record({ kind: oneOf('insert'), index, block }),
  record({ kind: oneOf('delete'), index }),
];
const isChange: Check<BlockChange> = (value): value is BlockChange => CHANGES.some((check) => check(value));
/** One update of one version of one session. */
const UPDATE = record({ name: bytes(32), counter: index, change: isChange });

/**
 * SEPDP for a file that changes: Ateniese, Di Pietro, Mancini and Tsudik, SecureComm 2008, section 5.
 *
 *     tag        v_i = XOR over j in S_i of H(c_i, j, 0, D[j]),   v'_i = AE_K(ctr | i | v_i)
 *     modify j   for each i with j in S_i: v_i <- v_i XOR H(c_i, j, w, D[j]) XOR H(c_i, j, ctr + 1, D'[j]); all v'_i anew with ctr + 1
 *     delete j   as modify, to a block of no bytes, which keeps its place
 *     append     block m belongs to the tokens that ask for m mod n, with n blocks as tagged: v_i <- v_i XOR H(c_i, m, ctr + 1, D[m])
 *     proof      z, computed as v_i
 *
 * A token asks for the same share of the blocks however many are appended, so a file that has grown tenfold costs ten times the reads:
 * then it is time to tag it again. No block can be inserted between others: the place is in the hash. H is HMAC-SHA256 under c_i and the session's name, so that XOR is safe: whoever does not
 * know c_i yet cannot make values cancel.
 *
 * **The verifier's state is the file tag**, with the counter and the sealed tokens: 64 bytes each, 23 KB for 365. (In the paper they lie with the server and
 * the counter alone is kept; an update then takes a third message. AE hides v_i from the server either way, which has
 * a copy, and the counter hides which tokens have changed.) As in the static form each token is used once, and which are used is kept by who
 * verifies.
 *
 * For an update the server sends the block as it was and w, the update that wrote it (w lies with the tags). Neither is proven,
 * nor need be: w is at most ctr, so whatever the server says, the new block's term enters v_i and stays until
 * an update of that same block; terms that it made up stay too, and are its own loss. The paper's hash has no w: a server that
 * says that the old block was what the new one is to be (it learns both in one message) then leaves v_i as it was, and goes on with the old data.
 */
export function sepdpDynamic(primitives: Primitives, settings: Partial<TokenSettings> = {}): DynamicScheme {
  const header = (counter: number, token: number) => joined([uint64(counter), uint64(token)]);
  /** H(c_i, j, w, D[j]) into a value. */
  const hashInto = async (name: Uint8Array, { c }: Question) => {
    const keyed = primitives.hmacSha256(await primitives.hmacSha256(c)(name));
    return async (value: Uint8Array, at: number, written: Uint8Array, content: Uint8Array): Promise<void> => {
      const hash = await keyed(uint64(at), written, content);
      for (let byte = 0; byte < VALUE_BYTES; byte += 1) value[byte]! ^= hash[byte]!;
    };
  };

  const { scheme, keys, session, open, openOwn, openAny } = tokenScheme<TokenState>(primitives, settings, {
    facts: {
      name: NAME,
      verification: 'private',
      data: 'dynamic',
      selections: ['token'],
      assumption: 'HMAC-SHA256 is a pseudorandom function',
      source: 'Ateniese, Di Pietro, Mancini and Tsudik, SecureComm 2008, section 5',
      year: 2008,
      limits:
        'As many challenges as there are tokens, each once; blocks are changed, deleted and appended, not inserted',
    },
    state(extra) {
      const state = decodeRecord(STATE, extra);
      return state !== undefined && state.blocks >= 1 && state.sealed.length === state.tokens * SEALED_BYTES
        ? state
        : undefined;
    },

    async tag({ file, name, question, encryption }, { tokens, blocksPerToken }, { source, out }) {
      const questions = await Promise.all(Array.from({ length: tokens }, (_, token) => question(token)));
      const values = questions.map(() => new Uint8Array(VALUE_BYTES));
      const hashes = await Promise.all(questions.map((asked) => hashInto(name, asked)));
      const blocks = blockCount(file);
      const asking = await tokenSchedule(
        primitives,
        questions.map(({ k }) => k),
        blocks,
        { tokens, blocksPerToken },
      );
      for await (const { first, blocks: some } of wholeBlocks(file, source)) {
        for (let at = 0; at === 0 || at < some.length; at += file.blockBytes) {
          const place = first + at / file.blockBytes;
          for (const token of asking(place))
            await hashes[token]!(values[token]!, place, uint64(0), some.subarray(at, at + file.blockBytes));
        }
        await out.write(new Uint8Array(Math.max(1, Math.ceil(some.length / file.blockBytes)) * TAG_BYTES));
      }
      const sealed: Uint8Array[] = [];
      for (const [token, value] of values.entries()) sealed.push(await encryption.seal(header(0, token), value));
      return encodeRecord({ tokens, blocksPerToken, counter: 0, blocks, sealed: joined(sealed) });
    },

    async prove({ file, name, state }, question, stored) {
      const z = new Uint8Array(VALUE_BYTES);
      const hash = await hashInto(name, question);
      const tagged = blockCount(file);
      for (const first of await tokenIndices(primitives, question.k, tagged, state))
        for (let at = first; at < state.blocks; at += tagged)
          await hash(z, at, await stored.tags(at * TAG_BYTES, TAG_BYTES), await stored.block(at));
      return z;
    },

    async reject({ encryption }, { counter, sealed }, token, proof) {
      if (proof.length !== VALUE_BYTES) return 'malformed proof';
      const value = await encryption.open(header(counter, token), sealedToken(sealed, token));
      return value !== undefined && primitives.equal(value, proof) ? undefined : 'wrong proof';
    },
  });

  return {
    ...scheme,
    blocks: async (secretKey, fileTag) => (await openOwn(secretKey, fileTag)).state.blocks,
    build: async () => {},

    async prepareUpdate(secretKey, fileTag, change) {
      const { file, name, state } = await openOwn(secretKey, fileTag);
      if (change.kind !== 'delete' && change.block.length > file.blockBytes)
        throw new PdpError('length', `A block of ${change.block.length} bytes, of at most ${file.blockBytes}`);
      if (!isPossible(state, change))
        throw new PdpError(
          'selection',
          `The scheme "${NAME}" changes and deletes blocks below ${state.blocks}, and inserts at ${state.blocks}, the end, alone`,
        );
      return encodeRecord({ name, counter: state.counter, change });
    },

    async performUpdate(_publicKey, stored, message) {
      const opened = await openAny(stored.fileTag);
      const change = opened && openUpdate(opened, message);
      if (change === undefined) return undefined;
      const tag = uint64(opened!.state.counter + 1);
      const { index } = change;
      const written = await stored.tags(index * TAG_BYTES, TAG_BYTES);
      const isDone = primitives.equal(written, tag);
      if (change.kind === 'insert') {
        if (!isDone) await stored.change(change, tag);
        return new Uint8Array(0);
      }
      // What the block was is gone; the first answer said it.
      if (isDone) return undefined;
      const before = joined([written, await stored.block(index)]);
      await stored.change({ kind: 'modify', index, block: contentOf(change) }, tag);
      return before;
    },

    async verifyUpdate(secretKey, fileTag, message, proof) {
      const opened = await open(secretKey, fileTag);
      if (opened === undefined) return { accepted: false, reason: 'file tag' };
      const { file, name, state } = opened;
      const change = openUpdate(opened, message);
      if (change === undefined) return { accepted: false, reason: 'wrong proof' };
      const before = change.kind === 'insert' ? undefined : openBefore(opened, proof);
      if (change.kind === 'insert' ? proof.length > 0 : before === undefined)
        return { accepted: false, reason: 'malformed proof' };

      const { question, encryption } = await session(secretKey, file);
      const tagged = blockCount(file);
      const { tokens, blocksPerToken, counter, blocks } = state;
      const sealed: Uint8Array[] = [];
      for (let token = 0; token < tokens; token += 1) {
        const value = await encryption.open(header(counter, token), sealedToken(state.sealed, token));
        if (value === undefined) return { accepted: false, reason: 'file tag' };
        const asked = await question(token);
        if ((await tokenIndices(primitives, asked.k, tagged, state)).includes(change.index % tagged)) {
          const hash = await hashInto(name, asked);
          if (before !== undefined) await hash(value, change.index, before.written, before.content);
          await hash(value, change.index, uint64(counter + 1), contentOf(change));
        }
        sealed.push(await encryption.seal(header(counter + 1, token), value));
      }
      const after = {
        tokens,
        blocksPerToken,
        counter: counter + 1,
        blocks: blocks + (change.kind === 'insert' ? 1 : 0),
        sealed: joined(sealed),
      };
      return { accepted: true, fileTag: await keys.makeFileTag(secretKey, file, encodeRecord(after)) };
    },
  };
}

const sealedToken = (sealed: Uint8Array, token: number): Uint8Array =>
  sealed.subarray(token * SEALED_BYTES, (token + 1) * SEALED_BYTES);

/** A deleted block keeps its place, and has no bytes. */
const contentOf = (change: BlockChange): Uint8Array => (change.kind === 'delete' ? new Uint8Array(0) : change.block);

const isPossible = ({ blocks }: TokenState, change: BlockChange): boolean =>
  isChange(change) && (change.kind === 'insert' ? change.index === blocks : change.index < blocks);

/** What a server says that a block was, if an update that there has been wrote it. */
function openBefore(
  { file, state }: Opened<TokenState>,
  proof: Uint8Array,
): { readonly written: Uint8Array; readonly content: Uint8Array } | undefined {
  if (proof.length < TAG_BYTES || proof.length > TAG_BYTES + file.blockBytes) return undefined;
  const written = proof.subarray(0, TAG_BYTES);
  const number = new DataView(proof.buffer, proof.byteOffset, TAG_BYTES).getBigUint64(0);
  return number > BigInt(state.counter) ? undefined : { written, content: proof.subarray(TAG_BYTES) };
}

/** The change that a message asks for, if it is one of this version of this session. */
function openUpdate(opened: Opened<TokenState>, message: Uint8Array): BlockChange | undefined {
  const update = decodeRecord(UPDATE, message);
  return update !== undefined &&
    update.counter === opened.state.counter &&
    update.name.every((byte, at) => byte === opened.name[at]) &&
    isPossible(opened.state, update.change) &&
    contentOf(update.change).length <= opened.file.blockBytes
    ? update.change
    : undefined;
}
