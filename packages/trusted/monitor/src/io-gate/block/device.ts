import { type BlockRequest, type DeviceConfig, PAYLOAD_PLACE_BYTES, PAYLOAD_PLACES } from '@cloister/protocol';
import { structureOf } from '../../little-endian.ts';
import type { BlockDevice } from '../device.ts';
import type { DeviceKind } from '../device-kind.ts';
import type { Chain } from '../split-ring.ts';
import { type Backing, type Step, storesOf, unitOf } from './backing.ts';

/** One chain that the slice's answers will complete. */
export interface BlockJob {
  readonly operation: 'read' | 'write' | 'flush' | 'discard';
  /** What has not left yet, in order; a discard may have several pieces, a large payload leaves cut into smaller ones. */
  readonly pieces: Piece[];
  readonly chain: Chain;
  /** Parts that have left and are not done. */
  unanswered: number;
  failed: boolean;
  /** Bytes stored into the guest's buffers. */
  stored: number;
}

/** What a chain asks for. */
export type Asked = Pick<BlockJob, 'operation' | 'pieces'>;

/** Bytes of the disk, and where their payload lies in the chain's readable (write) or writable (read) bytes. */
export interface Piece {
  readonly at: number;
  readonly bytes: number;
  readonly offset: number;
}

export interface Part extends Piece {
  readonly job: BlockJob;
  readonly step: Step;
  /** Where its payload is, from when it leaves until it is done. */
  readonly place: number;
  /** Of a sealed write: what its blocks get once it is done. */
  readonly versions: number[];
}

/** A request at the slice: for a part of a job, or for a block of the hash tree that a part needs, and in whose place it lies. */
export interface UnderWay {
  /** As it left, so that it can be sent again: the payload still lies in its place, and is never sealed anew. */
  readonly message: BlockRequest;
  readonly part: Part;
  readonly treeBlock: number | undefined;
}

/** Feature bits (virtio 1.2 §5.2.3). */
export const BLOCK_FEATURE = {
  segMax: 1 << 2,
  readOnly: 1 << 5,
  blkSize: 1 << 6,
  flush: 1 << 9,
  discard: 1 << 13,
} as const;

/** What one disk may have under way between gate and slice. */
const PLACES_MAX = 32;

/** Buffers of one request: a full queue less header and status. */
const SEGMENTS_MAX = 254;

export const DISCARD_SEGMENTS_MAX = 16;
const DISCARD_SECTORS_MAX = 0x40_0000;
/** Sectors of a block: what a discard is a multiple of. */
const DISCARD_ALIGNMENT = 8;

type BlockConfig = Extract<DeviceConfig, { kind: 'block' }>;

/**
 * A virtio block device (virtio 1.2 §5.2): what it is, and what its driver has under way. The disk is the `nth` of so many
 * that share the payload area.
 */
export function createBlockState(config: BlockConfig, backing: Backing, nth: number, of: number) {
  const count = Math.min(PLACES_MAX, Math.floor(PAYLOAD_PLACES / of));
  return {
    /** Capacity in sectors of 512 bytes. */
    sectors: config.sectors,
    readOnly: config.readOnly,
    /** What GET_ID answers: at most 20 bytes of ASCII. */
    id: `cloister-disk-${nth}`,
    backing,
    /** All that the backing is made of. */
    stores: storesOf(config.backing),
    /** The chain whose requests have not all left yet: there was no budget, or another request is in the way. */
    leaving: undefined as BlockJob | undefined,
    /** By the place of its payload: what has left for the slice and was not answered. */
    requests: new Map<number, UnderWay>(),
    /** Reads of the base that came, and wait in their places for hashes to be checked against. */
    unchecked: new Set<Part>(),
    /** Places in the payload area that no part holds, the one that was used last at the end. */
    places: Array.from({ length: count }, (_, i) => (nth * count + count - 1 - i) * PAYLOAD_PLACE_BYTES),
    /** Answers that were not asked for or were wrong; see `complain`. */
    complaints: 0,
  };
}
export type BlockState = ReturnType<typeof createBlockState>;

/** Whether blocks can be discarded: a raw file gives nothing back, since Node punches no holes. */
export const canDiscard = (state: BlockState): boolean => !state.readOnly && state.backing.kind === 'overlay';

export const BLOCK_KIND: Omit<DeviceKind<BlockDevice>, 'serve'> = {
  pci: { virtioId: 2, classCode: 0x018000 },
  features: (state) =>
    BLOCK_FEATURE.segMax |
    BLOCK_FEATURE.blkSize |
    BLOCK_FEATURE.flush |
    (state.readOnly ? BLOCK_FEATURE.readOnly : 0) |
    (canDiscard(state) ? BLOCK_FEATURE.discard : 0),
  config: (state) =>
    structureOf(60, [
      [0, 8, state.sectors],
      [12, 4, SEGMENTS_MAX],
      [20, 4, unitOf(state.backing)],
      [36, 4, DISCARD_SECTORS_MAX],
      [40, 4, DISCARD_SEGMENTS_MAX],
      [44, 4, DISCARD_ALIGNMENT],
    ]),
  isBusy: ({ requests, unchecked }) => requests.size + unchecked.size > 0,
  reset(state) {
    state.leaving = undefined;
  },
};
