import type { Primitives } from '@cloister/crypto';
import { oneOf, record, whole } from '@cloister/protocol';
import { bytes, bytesUpTo, decodeRecord, encodeRecord } from '../encoding.ts';
import { PdpError } from '../pdp-error.ts';
import type { BlockChange, DynamicScheme, StoredFile } from '../scheme.ts';
import { BLOCK_BYTES_MAX } from '../session/file-description.ts';
import { type FileTag, openFileTag } from '../session/file-tag.ts';
import { isLeafChange } from '../structures/merkle-tree.ts';
import { type BlsKeys, type BlsSecretKey, lazyBlsKeys } from './bls-keys.ts';
import { type PublicSchemeDefinition, publicScheme } from './public-scheme.ts';

const TAG_BYTES_MAX = 96;
const NOTE_BYTES_MAX = 64;

/** What the owner made for a change: the new block's tag, and what he must know of it when the change is done. */
export interface SignedChange {
  readonly change: BlockChange;
  /** No bytes for a deleted block. */
  readonly tag: Uint8Array;
  readonly note: Uint8Array;
}

/** What differs between the schemes on pairings whose files change. */
export type DynamicPublicDefinition = PublicSchemeDefinition & {
  blocks(session: FileTag): number | undefined;
  build(stored: StoredFile, blocks: number): Promise<void>;
  /** @throws PdpError `parameter` if the file tag has no room for it */
  sign(keys: BlsKeys, key: BlsSecretKey, session: FileTag, change: BlockChange): Promise<SignedChange>;
  /** Changes the structure, and proves what it was; undefined, and no change, if it is not as the file tag says. */
  perform(session: FileTag, stored: StoredFile, signed: SignedChange): Promise<Uint8Array | undefined>;
  /** What the file tag says after the change, or undefined if the proof does not hold. */
  follow(session: FileTag, signed: SignedChange, proof: Uint8Array): Promise<Uint8Array | undefined>;
};

/** The five functions and those for updates. */
export function dynamicPublicScheme(primitives: Primitives, definition: DynamicPublicDefinition): DynamicScheme {
  const { facts } = definition;
  const keys = lazyBlsKeys(primitives, facts.name);
  const UPDATE = record({
    scheme: oneOf(facts.name),
    name: bytes(32),
    kind: oneOf('modify', 'insert', 'delete'),
    index: whole(Number.MAX_SAFE_INTEGER),
    block: bytesUpTo(BLOCK_BYTES_MAX),
    tag: bytesUpTo(TAG_BYTES_MAX),
    note: bytesUpTo(NOTE_BYTES_MAX),
  });

  /** A message for this file as it is now, or undefined. */
  function openUpdate(session: FileTag, update: Uint8Array): SignedChange | undefined {
    const opened = decodeRecord(UPDATE, update);
    if (opened === undefined || !opened.name.every((byte, at) => byte === session.name[at])) return undefined;
    const { kind, index, block, tag, note } = opened;
    const change: BlockChange = kind === 'delete' ? { kind, index } : { kind, index, block };
    const blocks = definition.blocks(session);
    return blocks !== undefined && isLeafChange(blocks, change) && block.length <= session.file.blockBytes
      ? { change, tag, note }
      : undefined;
  }
  const openOwn = async (secretKey: Uint8Array, fileTag: Uint8Array) => {
    const bls = await keys();
    const key = await bls.openSecret(secretKey);
    return { bls, key, session: await bls.openFileTag(key, fileTag) };
  };
  const blocksOf = (session: FileTag | undefined): number => {
    const blocks = session && definition.blocks(session);
    if (blocks === undefined) throw new PdpError('file-tag', 'A file tag that this key did not make');
    return blocks;
  };

  return {
    ...publicScheme(primitives, definition, keys),
    async blocks(key, fileTag) {
      const bls = await keys();
      return blocksOf(await bls.openFileTag(await bls.open(key), fileTag));
    },
    async build(_publicKey, stored) {
      await definition.build(stored, blocksOf(await openFileTag(primitives, facts.name, stored.fileTag, () => true)));
    },
    async prepareUpdate(secretKey, fileTag, change) {
      const { bls, key, session } = await openOwn(secretKey, fileTag);
      const blocks = blocksOf(session);
      const { file, name } = session!;
      if (!isLeafChange(blocks, change))
        throw new PdpError('selection', `A file of ${blocks} blocks has no block ${change.index} to ${change.kind}`);
      const block = change.kind === 'delete' ? new Uint8Array(0) : change.block;
      if (block.length > file.blockBytes)
        throw new PdpError('length', `A block of ${block.length} bytes, in a file of blocks of ${file.blockBytes}`);
      const { tag, note } = await definition.sign(bls, key, session!, change);
      return encodeRecord({ scheme: facts.name, name, kind: change.kind, index: change.index, block, tag, note });
    },
    async performUpdate(_publicKey, stored, update) {
      const session = await openFileTag(primitives, facts.name, stored.fileTag, () => true);
      const signed = session && openUpdate(session, update);
      if (signed === undefined) return undefined;
      const proof = await definition.perform(session!, stored, signed);
      if (proof !== undefined) await stored.change(signed.change, signed.tag);
      return proof;
    },
    async verifyUpdate(secretKey, fileTag, update, proof) {
      const { bls, key, session } = await openOwn(secretKey, fileTag);
      const signed = session && openUpdate(session, update);
      if (signed === undefined) return { accepted: false, reason: 'file tag' };
      const extra = await definition.follow(session!, signed, proof);
      return extra === undefined
        ? { accepted: false, reason: 'wrong proof' }
        : { accepted: true, fileTag: await bls.signFileTag(key, session!.file, extra) };
    },
  };
}
