import { ringDoorbell } from '@cloister/hardware';
import {
  BLOCK_BYTES,
  BLOCK_PAYLOAD_BYTES_MAX,
  type BlockOperation,
  type BlockReply,
  type BlockRequest,
  STORE_PAYLOAD_BYTES_MAX,
} from '@cloister/protocol';
import { type BlockDevice, type Gate, isLive, liveQueue, serveChains } from '../device.ts';
import { type Chain, readFrom, returnChain, writeInto } from '../split-ring.ts';
import { firstStep, type Overlay, type Step } from './backing.ts';
import { decodeRequest, STATUS } from './decode.ts';
import type { BlockJob, BlockState, Part, Piece, UnderWay } from './device.ts';
import { hashOf, isHashOf, keepTreeBlock, missingFor } from './hash-tree.ts';
import { discardBlocks, setVersion, versionOf } from './version-table.ts';

/** Bytes of zeros that the gate answers in one turn. */
const ZEROS_MAX = 2 * 1024 * 1024;

/** What payloads are copied through, as they are inside and outside of the machine; nothing stays here between two parts. */
const inside = new Uint8Array(BLOCK_PAYLOAD_BYTES_MAX);
const outside = new Uint8Array(STORE_PAYLOAD_BYTES_MAX);

export function serveBlock(gate: Gate, device: BlockDevice): void {
  const { state } = device;
  serveChains(gate, device, 0, {
    isReady() {
      if (state.leaving !== undefined) sendPieces(gate, device, state.leaving);
      return state.leaving === undefined && state.places.length > 0;
    },
    serve(chain) {
      const decoded = decodeRequest(gate.memory, state, chain);
      if (typeof decoded === 'string') return decoded;
      if ('pieces' in decoded) {
        const { operation, pieces } = decoded;
        state.leaving = { operation, pieces, chain, unanswered: 0, failed: false, stored: 0 };
        return undefined;
      }
      writeInto(gate.memory, chain, 0, decoded.bytes);
      return endOf(gate, chain, decoded.bytes.length, decoded.status);
    },
  });
}

/** Sends the job's pieces while there is budget and nothing in the way; the guest's bytes are read only as they leave. */
function sendPieces(gate: Gate, device: BlockDevice, leaving: BlockJob): void {
  const { state } = device;
  const { operation, pieces } = leaving;
  let zeroed = 0;
  for (let piece = pieces[0]; piece !== undefined; piece = pieces[0]) {
    const { at, bytes, offset } = piece;
    const step = firstStep(state.backing, operation, at, bytes);
    const asks = step.where !== 'nowhere';
    if (isInTheWay(state, operation, step) || (asks && state.places.length === 0)) return;
    if (!asks && operation === 'read' && (zeroed += step.bytes) > ZEROS_MAX) {
      // Zeros cost nobody but the monitor: a large read of them leaves it a turn in between.
      ringDoorbell(gate.board, device.number, 0);
      return;
    }
    if (step.bytes === bytes) pieces.shift();
    else pieces[0] = { at: at + step.bytes, bytes: bytes - step.bytes, offset: offset + step.bytes };
    sendPart(gate, device, leaving, { at, bytes: step.bytes, offset }, step);
  }
  state.leaving = undefined;
  settle(gate, device, leaving);
}

/**
 * What reads or changes bytes of a store that a write under way changes waits for it, and a write for both: so a block
 * has one version at a time, and never two writes that storage could order as it likes.
 */
function isInTheWay(state: BlockState, operation: BlockJob['operation'], { store, offset, length }: Step): boolean {
  for (const { message } of state.requests.values())
    if (
      message.store === store &&
      (operation !== 'read' || message.operation === 'write') &&
      message.offset < offset + length &&
      offset < message.offset + message.length
    )
      return true;
  return false;
}

function sendPart(gate: Gate, device: BlockDevice, job: BlockJob, { at, bytes, offset }: Piece, step: Step): void {
  const { state } = device;
  const { operation } = job;
  if (step.where === 'nowhere') {
    if (operation === 'read') storeRead(gate, job, offset, inside.subarray(0, bytes).fill(0));
    else discardBlocks((state.backing as Overlay).versions, at / BLOCK_BYTES, bytes / BLOCK_BYTES);
    return;
  }
  // Spread, an object of three numbers takes 2 us longer (measured).
  const part: Part = { at, bytes, offset, job, step, place: state.places.pop()!, versions: [] };
  job.unanswered += 1;
  if (operation === 'write' && !givePayload(gate, device, part)) {
    release(state, part, false);
    return;
  }
  lacksHashes(gate, state, part);
  const { store, length } = step;
  // A discard lies nowhere.
  const asked = operation as BlockOperation;
  ask(gate, state, part, { store, at: part.place, operation: asked, offset: step.offset, length });
}

/** Puts what the guest writes into the part's place, sealed where it leaves sealed; whether it lies there. */
function givePayload(gate: Gate, device: BlockDevice, { job, offset, bytes, place, versions }: Part): boolean {
  const { backing } = device.state;
  let payload = readFrom(gate.memory, job.chain, offset, inside.subarray(0, bytes));
  if (backing.kind === 'overlay') {
    const { seal } = backing;
    payload = outside.subarray(0, (bytes / BLOCK_BYTES) * seal.bytes);
    for (let from = 0, to = 0; from < bytes; from += BLOCK_BYTES, to += seal.bytes)
      versions.push(seal.seal(inside.subarray(from, from + BLOCK_BYTES), payload.subarray(to, to + seal.bytes)));
  }
  if (gate.payloads.write(place, payload)) return true;
  complain(gate, device, 'the memory for payloads cannot be written; its writer gets an I/O error');
  return false;
}

function ask(gate: Gate, state: BlockState, part: Part, asked: Omit<BlockRequest, 'kind'>, treeBlock?: number): void {
  const message: BlockRequest = { kind: 'block.request', ...asked };
  state.requests.set(message.at, { message, part, treeBlock });
  gate.send(message);
}

/** Sends again what was not answered, as it left. */
export function resendBlock(gate: Gate, { state }: BlockDevice): void {
  for (const { message } of state.requests.values()) gate.send(message);
}

/** The slice's answer; one that was not asked for counts for nothing. */
export function blockReplied(gate: Gate, device: BlockDevice, { store, at, ok }: BlockReply): void {
  const { state } = device;
  const request = state.requests.get(at);
  if (request === undefined || request.message.store !== store) {
    complain(gate, device, `the slice answered request ${at} of store ${store}, which was not asked`);
    return;
  }
  state.requests.delete(at);
  if (request.treeBlock === undefined) partAnswered(gate, device, request.part, ok);
  else treeBlockArrived(gate, device, request, ok);
  if (isLive(device)) serveBlock(gate, device);
}

function partAnswered(gate: Gate, device: BlockDevice, part: Part, ok: boolean): void {
  const { backing } = device.state;
  const { job } = part;
  // A write that failed leaves the old versions: whatever storage made of the blocks, no other than the old ones are read.
  if (job.operation === 'write' && backing.kind === 'overlay' && ok)
    part.versions.forEach((version, i) => void setVersion(backing.versions, part.at / BLOCK_BYTES + i, version));
  // After a reset or a stop the buffers are the driver's again.
  if (!ok || job.operation !== 'read' || !isLive(device)) finish(gate, device, part, ok);
  else takeWhenChecked(gate, device, part);
}

/** Takes what was read from its place, once, and gives the guest all of it if every block is the right one. */
function takeRead(gate: Gate, device: BlockDevice, { job, step, place, at, bytes, offset }: Part): boolean {
  const { backing } = device.state;
  const found = outside.subarray(0, step.length);
  if (!gate.payloads.read(place, found)) return false;
  if (backing.kind === 'overlay') {
    const stride = (step.length / bytes) * BLOCK_BYTES;
    for (let i = 0; i * BLOCK_BYTES < bytes; i += 1) {
      const block = at / BLOCK_BYTES + i;
      const given = found.subarray(i * stride, (i + 1) * stride);
      const isRight =
        step.where === 'base'
          ? isBaseBlock(backing, block, given)
          : backing.seal.open(versionOf(backing.versions, block), given, inside.subarray(i * BLOCK_BYTES));
      if (isRight) continue;
      const not = step.where === 'base' ? "of its base is not the image's" : 'is not what was written there last';
      complain(gate, device, `block ${block} ${not}; its reader gets an I/O error`);
      return false;
    }
  }
  storeRead(gate, job, offset, step.where === 'sealed' ? inside.subarray(0, bytes) : found);
  return true;
}

/** All hashes are there; a base without a tree is believed. */
const isBaseBlock = ({ tree }: Overlay, block: number, bytes: Uint8Array): boolean =>
  tree === undefined || isHashOf(hashOf(tree, block) as Uint8Array, bytes);

/**
 * Whether a read must wait for hashes, the next of which is then asked for: with the read, so that they are there when it
 * comes, and one after another in the read's place.
 */
function lacksHashes(gate: Gate, state: BlockState, part: Part): boolean {
  const tree = part.step.where === 'base' ? (state.backing as Overlay).tree : undefined;
  const missing = tree && missingFor(tree, part.at / BLOCK_BYTES, part.bytes / BLOCK_BYTES);
  if (missing === undefined) return false;
  const { number, hash } = missing;
  const at = part.place + BLOCK_PAYLOAD_BYTES_MAX;
  if (!tree!.asked.has(number) && !state.requests.has(at)) {
    tree!.asked.set(number, hash);
    const place = { store: tree!.store, at, offset: number * BLOCK_BYTES, length: BLOCK_BYTES };
    ask(gate, state, part, { ...place, operation: 'read' }, number);
  }
  return true;
}

function takeWhenChecked(gate: Gate, device: BlockDevice, part: Part): void {
  if (lacksHashes(gate, device.state, part)) device.state.unchecked.add(part);
  else finish(gate, device, part, takeRead(gate, device, part));
}

/** Who asked for a block that is not the right one gets an error; others that need it ask, too. */
function treeBlockArrived(gate: Gate, device: BlockDevice, request: UnderWay, ok: boolean): void {
  const { unchecked, backing } = device.state;
  const { message, part: reader, treeBlock } = request;
  const bytes = new Uint8Array(BLOCK_BYTES);
  const found = ok && gate.payloads.read(message.at, bytes);
  const good = keepTreeBlock((backing as Overlay).tree!, treeBlock!, found ? bytes : undefined);
  if (!good)
    complain(gate, device, `block ${treeBlock} of its hash tree is not the image's; its reader gets an I/O error`);
  for (const part of [...unchecked])
    if (!isLive(device) || (!good && part === reader)) finish(gate, device, part, false);
    else takeWhenChecked(gate, device, part);
}

function storeRead(gate: Gate, job: BlockJob, offset: number, bytes: Uint8Array): void {
  writeInto(gate.memory, job.chain, offset, bytes);
  job.stored += bytes.length;
}

/** One part is done; a failed one fails its job, of which nothing more leaves. */
function release(state: BlockState, part: Part, ok: boolean): void {
  const { job, place } = part;
  state.places.push(place);
  state.unchecked.delete(part);
  job.unanswered -= 1;
  if (ok) return;
  job.failed = true;
  job.pieces.length = 0;
  if (state.leaving === job) state.leaving = undefined;
}

function finish(gate: Gate, device: BlockDevice, part: Part, ok: boolean): void {
  release(device.state, part, ok);
  settle(gate, device, part.job);
}

/** Returns the chain once nothing of it is left. */
function settle(gate: Gate, device: BlockDevice, { chain, unanswered, pieces, failed, stored }: BlockJob): void {
  const queue = liveQueue(device, 0);
  if (queue !== undefined && unanswered === 0 && pieces.length === 0)
    returnChain(gate.memory, queue, chain, endOf(gate, chain, stored, failed ? STATUS.ioError : STATUS.ok));
}

/** Stores the status, the last byte that the driver gave to write, after so many; returns how many they are with it. */
function endOf(gate: Gate, chain: Chain, stored: number, status: number): number {
  writeInto(gate.memory, chain, chain.writableBytes - 1, Uint8Array.of(status));
  return stored + 1;
}

/** A line for the 1st, 2nd, 4th, 8th, … wrong answer on a disk: who answers wrongly without end fills no log. */
function complain(gate: Gate, device: BlockDevice, what: string): void {
  const { state } = device;
  state.complaints += 1;
  if (Number.isInteger(Math.log2(state.complaints)))
    gate.log(`Block device ${device.number}, wrong answer ${state.complaints}: ${what}`);
}
