import { SECTOR_BYTES } from '@cloister/protocol';
import { numberAt } from '../../little-endian.ts';
import type { GuestMemory } from '../guest-memory.ts';
import { type Chain, readFrom } from '../split-ring.ts';
import { unitOf } from './backing.ts';
import { type Asked, type BlockState, canDiscard, DISCARD_SEGMENTS_MAX, type Piece } from './device.ts';

/** Request types and status bytes (virtio 1.2 §5.2.6). */
const TYPE = { read: 0, write: 1, flush: 4, getId: 8, discard: 11 } as const;
export const STATUS = { ok: 0, ioError: 1, unsupported: 2 } as const;

const HEADER_BYTES = 16;
const ID_BYTES = 20;
const DISCARD_BYTES = 16;
/** A copy of the header of the request that is being decoded. */
const header = new Uint8Array(HEADER_BYTES);

/** An answer that needs nobody. */
export interface Answer {
  readonly status: number;
  readonly bytes: Uint8Array;
}

/**
 * Checks everything that the guest asks for; what comes after cannot fail by the guest's doing. A chain asks for a job or
 * has its answer, or is malformed, as the string says.
 */
export function decodeRequest(memory: GuestMemory, state: BlockState, chain: Chain): Asked | Answer | string {
  if (chain.readableBytes < HEADER_BYTES) return 'a request without a whole header';
  if (chain.writableBytes < 1) return 'a request without room for its status';
  readFrom(memory, chain, 0, header);
  const sector = numberAt(header, 8, 8);
  const room = chain.writableBytes - 1;
  const given = chain.readableBytes - HEADER_BYTES;
  switch (numberAt(header, 0, 4)) {
    case TYPE.read:
      return fits(state, sector, room) ? { operation: 'read', pieces: [pieceAt(sector, room, 0)] } : FAILED;
    case TYPE.write:
      if (state.readOnly || !fits(state, sector, given)) return FAILED;
      return { operation: 'write', pieces: [pieceAt(sector, given, HEADER_BYTES)] };
    case TYPE.flush:
      // An overlay ends with the run: what was written there is as durable as it gets.
      return state.backing.kind === 'overlay' ? DONE : { operation: 'flush', pieces: [pieceAt(0, 0, 0)] };
    case TYPE.getId: {
      const bytes = Uint8Array.from({ length: Math.min(ID_BYTES, room) }, (_, i) => state.id.charCodeAt(i) || 0);
      return { status: STATUS.ok, bytes };
    }
    case TYPE.discard:
      return canDiscard(state) ? decodeDiscard(memory, state, chain, given) : UNSUPPORTED;
    default:
      return UNSUPPORTED;
  }
}

const answer = (status: number): Answer => ({ status, bytes: new Uint8Array(0) });
const DONE = answer(STATUS.ok);
const FAILED = answer(STATUS.ioError);
const UNSUPPORTED = answer(STATUS.unsupported);

function decodeDiscard(memory: GuestMemory, state: BlockState, chain: Chain, given: number): Asked | Answer {
  const count = given / DISCARD_BYTES;
  if (!Number.isInteger(count) || count < 1 || count > DISCARD_SEGMENTS_MAX) return FAILED;
  const list = readFrom(memory, chain, HEADER_BYTES, new Uint8Array(given));
  const ranges: Piece[] = [];
  for (let at = 0; at < given; at += DISCARD_BYTES) {
    const sector = numberAt(list, at, 8);
    const bytes = numberAt(list, at + 8, 4) * SECTOR_BYTES;
    // A discard has no flags (virtio 1.2 §5.2.6.2).
    if (numberAt(list, at + 12, 4) !== 0) return UNSUPPORTED;
    if (!fits(state, sector, bytes)) return FAILED;
    ranges.push(pieceAt(sector, bytes, 0));
  }
  return { operation: 'discard', pieces: ranges };
}

const pieceAt = (sector: number, bytes: number, offset: number): Piece => ({
  at: sector * SECTOR_BYTES,
  bytes,
  offset,
});

function fits(state: BlockState, sector: number, bytes: number): boolean {
  const unit = unitOf(state.backing);
  return (
    bytes > 0 &&
    bytes % unit === 0 &&
    sector + bytes / SECTOR_BYTES <= state.sectors &&
    (sector * SECTOR_BYTES) % unit === 0
  );
}
