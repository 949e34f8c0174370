import type { BlockOperation } from '@cloister/protocol';
import type { DeviceKind } from '../device-kind.ts';
import type { Chain } from '../split-ring.ts';

/** A virtio block device (virtio 1.2 §5.2): what it is, and what its driver has under way. */
export interface BlockState {
  /** The number by which slice and storage know the disk. */
  readonly disk: number;
  /** Capacity in sectors of 512 bytes. */
  readonly sectors: number;
  readonly readOnly: boolean;
  /** What GET_ID answers: at most 20 bytes of ASCII. */
  readonly id: string;
  /** The chain whose requests have not all left yet: there was no budget. */
  leaving: BlockJob | undefined;
  /** By id: what has left for the slice and was not answered. */
  readonly requests: Map<number, UnderWay>;
  /** Payload bytes of those. */
  bytesUnderWay: number;
  nextId: number;
}

/** One chain that the slice's answers will complete. */
export interface BlockJob {
  readonly chain: Chain;
  readonly operation: BlockOperation;
  /** What has not left yet, in order; a discard may have several pieces, a large payload leaves cut into smaller ones. */
  readonly pieces: Piece[];
  /** Pieces that have left and were not answered. */
  unanswered: number;
  failed: boolean;
  /** Bytes stored into the guest's buffers. */
  stored: number;
}

export interface Piece {
  readonly sector: number;
  readonly sectors: number;
  /** Where its payload lies in the chain's readable (write) or writable (read) bytes. */
  readonly offset: number;
}

export interface UnderWay {
  readonly job: BlockJob;
  readonly piece: Piece;
  readonly bytes: number;
}

/** Feature bits (virtio 1.2 §5.2.3). */
export const BLOCK_FEATURE = {
  segMax: 1 << 2,
  readOnly: 1 << 5,
  blkSize: 1 << 6,
  flush: 1 << 9,
  discard: 1 << 13,
} as const;

/** Buffers of one request: a full queue less header and status. */
const SEGMENTS_MAX = 254;

export const DISCARD_SEGMENTS_MAX = 16;
const DISCARD_SECTORS_MAX = 0x40_0000;
/** Sectors of a storage chunk: discards that are aligned so give room back. */
const DISCARD_ALIGNMENT = 128;

export function createBlockState(disk: number, sectors: number, readOnly: boolean): BlockState {
  return {
    disk,
    sectors,
    readOnly,
    id: `cloister-disk-${disk}`,
    leaving: undefined,
    requests: new Map(),
    bytesUnderWay: 0,
    nextId: 0,
  };
}

export const BLOCK_KIND: DeviceKind<BlockState> = {
  pci: { virtioId: 2, classCode: 0x018000, hasDeviceConfig: true },
  queueCount: () => 1,
  features: (state) =>
    BLOCK_FEATURE.segMax |
    BLOCK_FEATURE.blkSize |
    BLOCK_FEATURE.flush |
    (state.readOnly ? BLOCK_FEATURE.readOnly : BLOCK_FEATURE.discard),
  config(state) {
    const view = new DataView(new ArrayBuffer(60));
    view.setUint32(0, state.sectors % 2 ** 32, true);
    view.setUint32(4, Math.floor(state.sectors / 2 ** 32), true);
    view.setUint32(12, SEGMENTS_MAX, true);
    view.setUint32(20, 512, true);
    view.setUint32(36, DISCARD_SECTORS_MAX, true);
    view.setUint32(40, DISCARD_SEGMENTS_MAX, true);
    view.setUint32(44, DISCARD_ALIGNMENT, true);
    return new Uint8Array(view.buffer);
  },
  reset(state) {
    state.leaving = undefined;
  },
};
