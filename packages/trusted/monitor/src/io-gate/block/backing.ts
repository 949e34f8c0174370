import { type BackingConfig, BLOCK_BYTES, BLOCK_PAYLOAD_BYTES_MAX, SECTOR_BYTES } from '@cloister/protocol';
import { type BlockSeal, createBlockSeal } from '../../seal/block-seal.ts';
import { createHashTree, type HashTree } from './hash-tree.ts';
import { createVersionTable, IN_BASE, runOf, type VersionTable, versionOf } from './version-table.ts';

/** How the gate keeps a disk: in a file that is the disk, outside of all protection, or sealed over a base. */
export type Backing = Extract<BackingConfig, { kind: 'raw' }> | Overlay;

export interface Overlay {
  readonly kind: 'overlay';
  readonly base: number;
  readonly overlay: number;
  readonly tree: HashTree | undefined;
  readonly seal: BlockSeal;
  readonly versions: VersionTable;
}

/** @throws RangeError for an overlay disk that is no whole number of blocks, and for what is no root hash */
export function createBacking(
  config: BackingConfig,
  sectors: number,
  unsealed: BlockSeal | undefined,
  random: (length: number) => Uint8Array,
): Backing {
  if (config.kind === 'raw') return config;
  const blocks = (sectors * SECTOR_BYTES) / BLOCK_BYTES;
  if (!Number.isInteger(blocks))
    throw new RangeError(`A disk under an overlay has whole blocks of ${BLOCK_BYTES} bytes`);
  const { base, overlay, tree } = config;
  return {
    kind: 'overlay',
    base,
    overlay,
    // Without a seal nothing is protected, and nothing pays for it.
    tree:
      tree === 'unverified' || unsealed !== undefined ? undefined : createHashTree(tree.store, tree.rootHash, blocks),
    seal: unsealed ?? createBlockSeal(random),
    versions: createVersionTable(),
  };
}

export const storesOf = (config: BackingConfig): readonly number[] =>
  config.kind === 'raw'
    ? [config.store]
    : [config.base, config.overlay, ...(config.tree === 'unverified' ? [] : [config.tree.store])];

/** What requests are multiples of: an overlay knows whole blocks alone, and says so as the disk's logical block size. */
export const unitOf = (backing: Backing): number => (backing.kind === 'raw' ? SECTOR_BYTES : BLOCK_BYTES);

/** Part of a request that lies in one place, and is moved by one message at the most. */
export interface Step {
  readonly where: 'raw' | 'base' | 'sealed' | 'nowhere';
  /** Bytes of the disk. */
  readonly bytes: number;
  /** The part of a store that it reads or changes. */
  readonly store: number;
  readonly offset: number;
  readonly length: number;
}

/** The first step of what is asked for from byte `at` of the disk on. */
export function firstStep(
  backing: Backing,
  operation: 'read' | 'write' | 'flush' | 'discard',
  at: number,
  bytes: number,
): Step {
  if (backing.kind === 'raw') {
    const part = Math.min(bytes, BLOCK_PAYLOAD_BYTES_MAX);
    return { where: 'raw', bytes: part, store: backing.store, offset: at, length: part };
  }
  const block = at / BLOCK_BYTES;
  if (operation === 'discard') return inOverlay(backing, 'nowhere', block, bytes / BLOCK_BYTES);
  const blocks = Math.min(bytes, BLOCK_PAYLOAD_BYTES_MAX) / BLOCK_BYTES;
  if (operation === 'write') return inOverlay(backing, 'sealed', block, blocks);
  const run = runOf(backing.versions, block, blocks);
  const version = versionOf(backing.versions, block);
  if (version !== IN_BASE) return inOverlay(backing, version > 0 ? 'sealed' : 'nowhere', block, run);
  return { where: 'base', bytes: run * BLOCK_BYTES, store: backing.base, offset: at, length: run * BLOCK_BYTES };
}

function inOverlay({ overlay, seal }: Overlay, where: Step['where'], block: number, blocks: number): Step {
  return {
    where,
    bytes: blocks * BLOCK_BYTES,
    store: overlay,
    offset: block * seal.bytes,
    length: blocks * seal.bytes,
  };
}
