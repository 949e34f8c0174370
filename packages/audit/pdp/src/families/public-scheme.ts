import type { Primitives } from '@cloister/crypto';
import { G1_BYTES } from '../arithmetic/curve.ts';
import { sectorsOf } from '../arithmetic/sector-sums.ts';
import { PdpError } from '../pdp-error.ts';
import type { Answered, BlockTagger, Rejection, Scheme, SchemeFacts, StoredFile, Verdict } from '../scheme.ts';
import {
  type Challenge,
  challengeMessage,
  checkSelection,
  type Expansion,
  expand,
  openChallengeMessage,
  SEED_BYTES,
} from '../session/challenge.ts';
import { type FileDescription, fileName } from '../session/file-description.ts';
import { type FileTag, openFileTag } from '../session/file-tag.ts';
import { wholeBlocks } from '../session/whole-blocks.ts';
import { type BlsKey, type BlsKeys, type BlsSecretKey, lazyBlsKeys } from './bls-keys.ts';
import { combined, type Equation, holds } from './bls-tags.ts';

/** 128 bits. */
const WEIGHT_BYTES = 16;

type Batch = { readonly first: number; readonly blocks: Uint8Array };

interface Common {
  readonly facts: SchemeFacts;
  tagger(keys: BlsKeys, key: BlsSecretKey, session: Pick<FileTag, 'file' | 'name'>): BlockTagger;
  /** What the file tag says beside the file's description, from the blocks, each once and in order. */
  summary?(file: FileDescription, batches: AsyncIterable<Batch>): Promise<Uint8Array>;
  /** How many blocks there are now, if the description does not say so; undefined for a file tag that says nothing. */
  blocks?(session: FileTag): number | undefined;
  prove(
    keys: BlsKeys,
    publicKey: Uint8Array,
    session: FileTag,
    expansion: Expansion,
    stored: StoredFile,
    message: Uint8Array,
  ): Promise<Uint8Array | undefined>;
}
/** What differs between the schemes on pairings whose tags are one point a block. */
export type PublicSchemeDefinition = Common &
  (
    | {
        /** What has to hold if the proof is one, or why it is none. */
        equation(
          keys: BlsKeys,
          session: FileTag,
          expansion: Expansion,
          proof: Uint8Array,
        ): Promise<Equation | Rejection>;
      }
    | {
        /** Why the proof is not accepted, or undefined. */
        reject(
          keys: BlsKeys,
          key: BlsKey,
          session: FileTag,
          expansion: Expansion,
          proof: Uint8Array,
          message: Uint8Array,
        ): Promise<Rejection | undefined>;
      }
  );

/** The five functions for such a scheme; its file tag carries the owner's signature (Ed25519). */
export function publicScheme(
  primitives: Primitives,
  definition: PublicSchemeDefinition,
  keys = lazyBlsKeys(primitives, definition.facts.name),
): Scheme {
  const { facts } = definition;

  /** The session with as many blocks as there are now. */
  function present(session: FileTag | undefined): FileTag | undefined {
    if (session === undefined || definition.blocks === undefined) return session;
    const blocks = definition.blocks(session);
    const { file } = session;
    return blocks === undefined ? undefined : { ...session, file: { ...file, length: blocks * file.blockBytes } };
  }
  async function taggerOf(secretKey: Uint8Array, file: FileDescription): Promise<BlockTagger> {
    const key = await (await keys()).openSecret(secretKey);
    if (sectorsOf(file.blockBytes) > key.sectors)
      throw new PdpError('parameter', `A key for shorter blocks than ${file.blockBytes} bytes; make one for those`);
    return definition.tagger(await keys(), key, { file, name: await fileName(primitives, file) });
  }

  /** What a verifier asked for; undefined if the file tag is not this key's. */
  async function expanded(key: BlsKey, fileTag: Uint8Array, { seed, selection }: Challenge) {
    const session = present(await (await keys()).openFileTag(key, fileTag));
    if (session === undefined) return undefined;
    checkSelection(session.file, facts.selections, selection);
    const message = await challengeMessage(primitives, session, seed, selection);
    const expansion = await expand(primitives, session.file, openChallengeMessage(session, message)!);
    return { session, message, expansion };
  }

  return {
    facts,
    keyGen: async (options) => (await keys()).generate(options),
    async tag(secretKey, { file, source, out }) {
      const tagger = await taggerOf(secretKey, file);
      async function* tagged(): AsyncGenerator<Batch> {
        for await (const batch of wholeBlocks(file, source)) {
          await out.write(await tagger(batch.first, batch.blocks));
          yield batch;
        }
      }
      const extra = await (definition.summary ?? drain)(file, tagged());
      const bls = await keys();
      return bls.signFileTag(await bls.openSecret(secretKey), file, extra);
    },
    async challenge(key, fileTag, selection, seed = primitives.random(SEED_BYTES)) {
      const bls = await keys();
      const session = present(await bls.openFileTag(await bls.open(key), fileTag));
      if (session === undefined) throw new PdpError('file-tag', 'A file tag that this key did not make');
      checkSelection(session.file, facts.selections, selection);
      return { seed, selection, message: await challengeMessage(primitives, session, seed, selection) };
    },
    async proof(publicKey, stored, message) {
      const session = present(await openFileTag(primitives, facts.name, stored.fileTag, () => true));
      const challenge = session && openChallengeMessage(session, message);
      if (challenge === undefined || !facts.selections.includes(challenge.selection.kind)) return undefined;
      const expansion = await expand(primitives, session!.file, challenge);
      return definition.prove(await keys(), publicKey, session!, expansion, stored, message);
    },
    async verify(key, fileTag, challenge, proof) {
      const bls = await keys();
      const opened = await bls.open(key);
      const asked = await expanded(opened, fileTag, challenge);
      if (asked === undefined) return { accepted: false, reason: 'file tag' };
      const { session, expansion, message } = asked;
      if ('reject' in definition)
        return verdict(await definition.reject(bls, opened, session, expansion, proof, message));
      const equation = await definition.equation(bls, session, expansion, proof);
      return verdict(isEquation(equation) ? said(bls, opened, equation) : equation);
    },
    ...('equation' in definition && {
      async verifyBatch(key: Uint8Array, answers: readonly Answered[]) {
        const bls = await keys();
        const opened = await bls.open(key);
        const found: (Equation | Rejection)[] = [];
        for (const { fileTag, challenge, proof } of answers) {
          const asked = await expanded(opened, fileTag, challenge);
          found.push(
            asked === undefined ? 'file tag' : await definition.equation(bls, asked.session, asked.expansion, proof),
          );
        }
        const equations = found.filter(isEquation);
        const weights = equations.map(() => bls.group.scalar.reduce(primitives.random(WEIGHT_BYTES)));
        const allHold = equations.length > 0 && holds(bls.group, opened, combined(bls.group, equations, weights));
        return found.map((each) => verdict(isEquation(each) ? (allHold ? undefined : said(bls, opened, each)) : each));
      },
    }),
    blockTags: { size: () => G1_BYTES, tagger: taggerOf },
  };
}

const isEquation = (found: Equation | Rejection): found is Equation => typeof found !== 'string';
const said = ({ group }: BlsKeys, key: BlsKey, equation: Equation): Rejection | undefined =>
  holds(group, key, equation) ? undefined : 'wrong proof';
const verdict = (reason: Rejection | undefined): Verdict =>
  reason === undefined ? { accepted: true } : { accepted: false, reason };

async function drain(_file: FileDescription, batches: AsyncIterable<Batch>): Promise<Uint8Array> {
  for await (const _ of batches);
  return new Uint8Array(0);
}
