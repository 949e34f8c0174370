import { ringDoorbell } from '@cloister/hardware';
import { BLOCK_PAYLOAD_BYTES_MAX, type BlockReply, SECTOR_BYTES } from '@cloister/protocol';
import { type BlockDevice, type Gate, isLive, liveQueue, nextChain, notifyUsed, stopDevice } from '../device.ts';
import type { GuestMemory } from '../guest-memory.ts';
import { type Chain, type Queue, readFrom, returnChain, writeInto } from '../split-ring.ts';
import { type BlockJob, type BlockState, DISCARD_SEGMENTS_MAX, type Piece } from './device.ts';

/** What one disk may have under way between gate and slice. */
const REQUESTS_MAX = 64;
const BYTES_MAX = 2 * 1024 * 1024;

/** Request types and status bytes (virtio 1.2 §5.2.6). */
const TYPE = { read: 0, write: 1, flush: 4, getId: 8, discard: 11 } as const;
const STATUS = { ok: 0, ioError: 1, unsupported: 2 } as const;

const HEADER_BYTES = 16;
const ID_BYTES = 20;
const DISCARD_BYTES = 16;

/** What a chain asks for: a job for the slice, or an answer that needs nobody. */
type Decoded =
  | { readonly kind: 'job'; readonly job: BlockJob }
  | { readonly kind: 'answer'; readonly status: number; readonly bytes: Uint8Array }
  | { readonly kind: 'malformed'; readonly reason: string };

export function serveBlock(gate: Gate, device: BlockDevice): void {
  const queue = liveQueue(device, 0);
  if (queue === undefined) return;
  const { state } = device;
  for (let served = 0; ; served += 1) {
    if (served === queue.size) {
      // A driver that never stops asking doesn't keep the monitor.
      ringDoorbell(gate.board, device.number, 0);
      break;
    }
    if (state.leaving !== undefined) sendPieces(gate, state, state.leaving);
    if (state.leaving !== undefined || !hasBudget(state, 0)) break;
    const chain = nextChain(gate, device, queue);
    if (chain === undefined) break;
    const decoded = decodeRequest(gate.memory, state, chain);
    if (decoded.kind === 'malformed') {
      stopDevice(gate, device, decoded.reason);
      return;
    }
    if (decoded.kind === 'job') state.leaving = decoded.job;
    else {
      writeInto(gate.memory, chain, 0, decoded.bytes);
      complete(gate, queue, chain, decoded.bytes.length, decoded.status);
    }
  }
  notifyUsed(gate, device, queue);
}

/** Checks everything that the guest asks for; what comes after cannot fail by the guest's doing. */
function decodeRequest(memory: GuestMemory, state: BlockState, chain: Chain): Decoded {
  if (chain.readableBytes < HEADER_BYTES) return { kind: 'malformed', reason: 'a request without a whole header' };
  if (chain.writableBytes < 1) return { kind: 'malformed', reason: 'a request without room for its status' };
  const header = new DataView(readFrom(memory, chain, 0, HEADER_BYTES).buffer);
  const sector = header.getUint32(8, true) + header.getUint32(12, true) * 2 ** 32;
  const room = chain.writableBytes - 1;
  const given = chain.readableBytes - HEADER_BYTES;
  switch (header.getUint32(0, true)) {
    case TYPE.read:
      return fits(state, sector, room)
        ? job(chain, 'read', [{ sector, sectors: room / SECTOR_BYTES, offset: 0 }])
        : FAILED;
    case TYPE.write:
      return !state.readOnly && fits(state, sector, given)
        ? job(chain, 'write', [{ sector, sectors: given / SECTOR_BYTES, offset: HEADER_BYTES }])
        : FAILED;
    case TYPE.flush:
      return job(chain, 'flush', [{ sector: 0, sectors: 0, offset: 0 }]);
    case TYPE.getId: {
      const id = Uint8Array.from({ length: Math.min(ID_BYTES, room) }, (_, i) => state.id.charCodeAt(i) || 0);
      return { kind: 'answer', status: STATUS.ok, bytes: id };
    }
    case TYPE.discard:
      return state.readOnly ? FAILED : decodeDiscard(memory, state, chain, given);
    default:
      return { kind: 'answer', status: STATUS.unsupported, bytes: NOTHING };
  }
}

const NOTHING = new Uint8Array(0);
const FAILED: Decoded = { kind: 'answer', status: STATUS.ioError, bytes: NOTHING };

function decodeDiscard(memory: GuestMemory, state: BlockState, chain: Chain, given: number): Decoded {
  const count = given / DISCARD_BYTES;
  if (!Number.isInteger(count) || count < 1 || count > DISCARD_SEGMENTS_MAX) return FAILED;
  const list = new DataView(readFrom(memory, chain, HEADER_BYTES, given).buffer);
  const ranges: Piece[] = [];
  for (let at = 0; at < given; at += DISCARD_BYTES) {
    const sector = list.getUint32(at, true) + list.getUint32(at + 4, true) * 2 ** 32;
    const sectors = list.getUint32(at + 8, true);
    // A discard has no flags (virtio 1.2 §5.2.6.2).
    if (list.getUint32(at + 12, true) !== 0) return { kind: 'answer', status: STATUS.unsupported, bytes: NOTHING };
    if (!fits(state, sector, sectors * SECTOR_BYTES)) return FAILED;
    ranges.push({ sector, sectors, offset: 0 });
  }
  return job(chain, 'discard', ranges);
}

const fits = (state: BlockState, sector: number, bytes: number): boolean =>
  bytes > 0 && bytes % SECTOR_BYTES === 0 && sector + bytes / SECTOR_BYTES <= state.sectors;

const job = (chain: Chain, operation: BlockJob['operation'], list: Piece[]): Decoded => ({
  kind: 'job',
  job: { chain, operation, pieces: list, unanswered: 0, failed: false, stored: 0 },
});

const hasBudget = (state: BlockState, bytes: number): boolean =>
  state.requests.size < REQUESTS_MAX && state.bytesUnderWay + bytes <= BYTES_MAX;

/** Sends the job's pieces while there is budget; the guest's bytes are read only as they leave. */
function sendPieces(gate: Gate, state: BlockState, leaving: BlockJob): void {
  const { operation, chain, pieces } = leaving;
  const hasPayload = operation === 'read' || operation === 'write';
  while (pieces.length > 0) {
    const [piece, rest] = cut(pieces[0]!, hasPayload ? BLOCK_PAYLOAD_BYTES_MAX / SECTOR_BYTES : Infinity);
    const payload = hasPayload ? piece.sectors * SECTOR_BYTES : 0;
    if (!hasBudget(state, payload)) return;
    if (rest === undefined) pieces.shift();
    else pieces[0] = rest;
    const bytes = operation === 'write' ? readFrom(gate.memory, chain, piece.offset, payload) : NOTHING;
    const id = state.nextId;
    state.nextId = (state.nextId + 1) >>> 0;
    state.requests.set(id, { job: leaving, piece, bytes: payload });
    state.bytesUnderWay += payload;
    leaving.unanswered += 1;
    const { sector, sectors } = piece;
    gate.send({ kind: 'block.request', disk: state.disk, id, operation, sector, sectors, bytes });
  }
  state.leaving = undefined;
}

/** The first `sectors` of a piece, and what is left of it. */
function cut(piece: Piece, sectors: number): readonly [Piece, Piece | undefined] {
  if (piece.sectors <= sectors) return [piece, undefined];
  const rest = {
    sector: piece.sector + sectors,
    sectors: piece.sectors - sectors,
    offset: piece.offset + sectors * SECTOR_BYTES,
  };
  return [{ ...piece, sectors }, rest];
}

/** The slice's answer. One that was not asked for, or whose length is wrong, fails the request and no more. */
export function blockReplied(gate: Gate, device: BlockDevice, reply: BlockReply): void {
  const { state } = device;
  const request = state.requests.get(reply.id);
  if (request === undefined) {
    gate.log(`The slice answered request ${reply.id} of disk ${state.disk}, which was not asked`);
    return;
  }
  const { job: answered, piece, bytes } = request;
  state.requests.delete(reply.id);
  state.bytesUnderWay -= bytes;
  answered.unanswered -= 1;
  const expected = reply.ok && answered.operation === 'read' ? bytes : 0;
  if (!reply.ok || reply.bytes.length !== expected) {
    answered.failed = true;
    answered.pieces.length = 0;
    if (state.leaving === answered) state.leaving = undefined;
  }
  const queue = liveQueue(device, 0);
  if (queue === undefined) return;
  if (!answered.failed && expected > 0) {
    writeInto(gate.memory, answered.chain, piece.offset, reply.bytes);
    answered.stored += expected;
  }
  if (answered.unanswered === 0 && answered.pieces.length === 0) {
    const status = answered.failed ? STATUS.ioError : STATUS.ok;
    complete(gate, queue, answered.chain, answered.stored, status);
  }
  if (isLive(device)) serveBlock(gate, device);
}

/** The status is the last byte that the driver gave to write. */
function complete(gate: Gate, queue: Queue, chain: Chain, stored: number, status: number): void {
  writeInto(gate.memory, chain, chain.writableBytes - 1, Uint8Array.of(status));
  returnChain(gate.memory, queue, chain, stored + 1);
}
