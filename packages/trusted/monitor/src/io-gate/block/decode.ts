import { SECTOR_BYTES } from '@cloister/protocol';
import type { GuestMemory } from '../guest-memory.ts';
import { type Chain, readFrom } from '../split-ring.ts';
import { unitOf } from './backing.ts';
import { type BlockJob, type BlockState, canDiscard, DISCARD_SEGMENTS_MAX, type Piece } from './device.ts';

/** Request types and status bytes (virtio 1.2 §5.2.6). */
const TYPE = { read: 0, write: 1, flush: 4, getId: 8, discard: 11 } as const;
export const STATUS = { ok: 0, ioError: 1, unsupported: 2 } as const;

const HEADER_BYTES = 16;
const ID_BYTES = 20;
const DISCARD_BYTES = 16;
/** A copy of the header of the request that is being decoded. */
const header = new DataView(new ArrayBuffer(HEADER_BYTES));
const headerBytes = new Uint8Array(header.buffer);

/** What a chain asks for: a job, or an answer that needs nobody. */
export type Decoded =
  | { readonly kind: 'job'; readonly job: BlockJob }
  | { readonly kind: 'answer'; readonly status: number; readonly bytes: Uint8Array }
  | { readonly kind: 'malformed'; readonly reason: string };

/** Checks everything that the guest asks for; what comes after cannot fail by the guest's doing. */
export function decodeRequest(memory: GuestMemory, state: BlockState, chain: Chain): Decoded {
  if (chain.readableBytes < HEADER_BYTES) return { kind: 'malformed', reason: 'a request without a whole header' };
  if (chain.writableBytes < 1) return { kind: 'malformed', reason: 'a request without room for its status' };
  readFrom(memory, chain, 0, headerBytes);
  const sector = header.getUint32(8, true) + header.getUint32(12, true) * 2 ** 32;
  const room = chain.writableBytes - 1;
  const given = chain.readableBytes - HEADER_BYTES;
  switch (header.getUint32(0, true)) {
    case TYPE.read:
      return fits(state, sector, room)
        ? job(chain, 'read', [{ at: sector * SECTOR_BYTES, bytes: room, offset: 0 }])
        : FAILED;
    case TYPE.write:
      return !state.readOnly && fits(state, sector, given)
        ? job(chain, 'write', [{ at: sector * SECTOR_BYTES, bytes: given, offset: HEADER_BYTES }])
        : FAILED;
    case TYPE.flush:
      // An overlay ends with the run: what was written there is as durable as it gets.
      return state.backing.kind === 'overlay' ? DONE : job(chain, 'flush', [{ at: 0, bytes: 0, offset: 0 }]);
    case TYPE.getId: {
      const id = Uint8Array.from({ length: Math.min(ID_BYTES, room) }, (_, i) => state.id.charCodeAt(i) || 0);
      return { kind: 'answer', status: STATUS.ok, bytes: id };
    }
    case TYPE.discard:
      return canDiscard(state) ? decodeDiscard(memory, state, chain, given) : UNSUPPORTED;
    default:
      return UNSUPPORTED;
  }
}

const answer = (status: number): Decoded => ({ kind: 'answer', status, bytes: new Uint8Array(0) });
const DONE = answer(STATUS.ok);
const FAILED = answer(STATUS.ioError);
const UNSUPPORTED = answer(STATUS.unsupported);

function decodeDiscard(memory: GuestMemory, state: BlockState, chain: Chain, given: number): Decoded {
  const count = given / DISCARD_BYTES;
  if (!Number.isInteger(count) || count < 1 || count > DISCARD_SEGMENTS_MAX) return FAILED;
  const list = new DataView(readFrom(memory, chain, HEADER_BYTES, new Uint8Array(given)).buffer);
  const ranges: Piece[] = [];
  for (let at = 0; at < given; at += DISCARD_BYTES) {
    const sector = list.getUint32(at, true) + list.getUint32(at + 4, true) * 2 ** 32;
    const bytes = list.getUint32(at + 8, true) * SECTOR_BYTES;
    // A discard has no flags (virtio 1.2 §5.2.6.2).
    if (list.getUint32(at + 12, true) !== 0) return UNSUPPORTED;
    if (!fits(state, sector, bytes)) return FAILED;
    ranges.push({ at: sector * SECTOR_BYTES, bytes, offset: 0 });
  }
  return job(chain, 'discard', ranges);
}

function fits(state: BlockState, sector: number, bytes: number): boolean {
  const unit = unitOf(state.backing);
  return (
    bytes > 0 &&
    bytes % unit === 0 &&
    sector + bytes / SECTOR_BYTES <= state.sectors &&
    (sector * SECTOR_BYTES) % unit === 0
  );
}

const job = (chain: Chain, operation: BlockJob['operation'], list: Piece[]): Decoded => ({
  kind: 'job',
  job: { chain, operation, pieces: list, unanswered: 0, failed: false, stored: 0 },
});
