import { ringDoorbell } from '@cloister/hardware';
import { BLOCK_BYTES, type BlockReply, type BlockRequest } from '@cloister/protocol';
import { type BlockDevice, type Gate, isLive, liveQueue, nextChain, notifyUsed, stopDevice } from '../device.ts';
import { type Chain, type Queue, readFrom, returnChain, writeInto } from '../split-ring.ts';
import { firstStep, type Overlay, type Step } from './backing.ts';
import { decodeRequest, STATUS } from './decode.ts';
import type { BlockJob, BlockState, Part, Piece, Unchecked, UnderWay } from './device.ts';
import { hashOf, isHashOf, keepTreeBlock, type MissingBlock } from './hash-tree.ts';
import { discardBlocks, setVersion, versionOf } from './version-table.ts';

/** What one disk may have under way between gate and slice. */
const REQUESTS_MAX = 64;
const BYTES_MAX = 2 * 1024 * 1024;

const NOTHING = new Uint8Array(0);

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
    if (state.leaving !== undefined) sendPieces(gate, device, queue, state.leaving);
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

/** Blocks of the hash tree are not counted: no part waits for more than one. */
function hasBudget({ requests, unchecked, bytesUnderWay }: BlockState, bytes: number): boolean {
  return requests.size + unchecked.size < REQUESTS_MAX && bytesUnderWay + bytes <= BYTES_MAX;
}

/** Sends the job's pieces while there is budget and nothing in the way; the guest's bytes are read only as they leave. */
function sendPieces(gate: Gate, device: BlockDevice, queue: Queue, leaving: BlockJob): void {
  const { state } = device;
  const { operation, pieces } = leaving;
  let zeroed = 0;
  while (pieces.length > 0) {
    const piece = pieces[0]!;
    const step = firstStep(state.backing, operation, piece.at, piece.bytes);
    const asks = step.place !== 'nowhere';
    if (isInTheWay(state, operation, step) || (asks && !hasBudget(state, step.bytes))) return;
    if (!asks && operation === 'read' && (zeroed += step.bytes) > BYTES_MAX) {
      // Zeros cost nobody but the monitor: a large read of them leaves it a turn in between.
      ringDoorbell(gate.board, device.number, 0);
      return;
    }
    if (step.bytes === piece.bytes) pieces.shift();
    else pieces[0] = after(piece, step.bytes);
    sendPart(gate, device, leaving, { ...piece, bytes: step.bytes }, step);
  }
  state.leaving = undefined;
  settle(gate, queue, leaving);
}

const after = ({ at, bytes, offset }: Piece, done: number): Piece => ({
  at: at + done,
  bytes: bytes - done,
  offset: offset + done,
});

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

function sendPart(gate: Gate, device: BlockDevice, job: BlockJob, piece: Piece, step: Step): void {
  const { state } = device;
  const { backing } = state;
  const { operation, chain } = job;
  if (step.place === 'nowhere') {
    if (operation === 'read') storeRead(gate, job, piece.offset, new Uint8Array(piece.bytes));
    else discardBlocks((backing as Overlay).versions, piece.at / BLOCK_BYTES, piece.bytes / BLOCK_BYTES);
    return;
  }
  const versions: number[] = [];
  let bytes: Uint8Array = NOTHING;
  if (operation === 'write')
    bytes =
      backing.kind === 'raw'
        ? readFrom(gate.memory, chain, piece.offset, piece.bytes)
        : sealBlocks(gate, backing, chain, piece, versions);
  if (step.place === 'base') wantHashes(gate, device, piece);
  state.bytesUnderWay += piece.bytes;
  job.unanswered += 1;
  const part: Part = { ...piece, job, place: step.place, versions };
  // A discard lies nowhere.
  ask(gate, state, operation as BlockRequest['operation'], step, bytes, part);
}

function sealBlocks(gate: Gate, { seal }: Overlay, chain: Chain, piece: Piece, versions: number[]): Uint8Array {
  const out = new Uint8Array((piece.bytes / BLOCK_BYTES) * seal.bytes);
  for (let at = 0, to = 0; at < piece.bytes; at += BLOCK_BYTES, to += seal.bytes)
    versions.push(
      seal.seal(readFrom(gate.memory, chain, piece.offset + at, BLOCK_BYTES), out.subarray(to, to + seal.bytes)),
    );
  return out;
}

function ask(
  gate: Gate,
  state: BlockState,
  operation: BlockRequest['operation'],
  { store, offset, length }: Pick<Step, 'store' | 'offset' | 'length'>,
  bytes: Uint8Array,
  part: UnderWay['part'],
): void {
  while (state.requests.has(state.nextId)) state.nextId = (state.nextId + 1) >>> 0;
  const id = state.nextId;
  state.nextId = (id + 1) >>> 0;
  const message: BlockRequest = { kind: 'block.request', store, id, operation, offset, length, bytes };
  state.requests.set(id, { message, part });
  gate.send(message);
}

/** Sends again what was not answered, as it left. */
export function resendBlock(gate: Gate, { state }: BlockDevice): void {
  for (const { message } of state.requests.values()) gate.send(message);
}

/** The slice's answer. One that was not asked for, or whose length is wrong, fails the request and no more. */
export function blockReplied(gate: Gate, device: BlockDevice, reply: BlockReply): void {
  const { state } = device;
  const request = state.requests.get(reply.id);
  if (request === undefined || request.message.store !== reply.store) {
    complain(gate, device, `the slice answered request ${reply.id} of store ${reply.store}, which was not asked`);
    return;
  }
  state.requests.delete(reply.id);
  const { message, part } = request;
  const ok = reply.ok && reply.bytes.length === (message.operation === 'read' ? message.length : 0);
  if ('treeBlock' in part) treeBlockArrived(gate, device, part.treeBlock, ok ? reply.bytes : NOTHING);
  else partAnswered(gate, device, part, ok, reply.bytes);
  if (isLive(device)) serveBlock(gate, device);
}

function partAnswered(gate: Gate, device: BlockDevice, part: Part, ok: boolean, bytes: Uint8Array): void {
  const { backing } = device.state;
  const { job, place } = part;
  // A write that failed leaves the old versions: whatever storage made of the blocks, no other than the old ones are read.
  if (job.operation === 'write' && backing.kind === 'overlay' && ok)
    part.versions.forEach((version, i) => void setVersion(backing.versions, part.at / BLOCK_BYTES + i, version));
  // After a reset or a stop the buffers are the driver's again.
  if (!ok || job.operation !== 'read' || !isLive(device)) finish(gate, device, part, ok);
  else if (place === 'sealed') finish(gate, device, part, openBlocks(gate, device, backing as Overlay, part, bytes));
  else if (place === 'base' && (backing as Overlay).tree !== undefined) {
    const unchecked: Unchecked = { part, bytes, checked: 0, missing: 0 };
    device.state.unchecked.add(unchecked);
    checkBlocks(gate, device, unchecked);
  } else {
    storeRead(gate, job, part.offset, bytes);
    finish(gate, device, part, true);
  }
}

/** Stores the blocks that open; whether all do. */
function openBlocks(gate: Gate, device: BlockDevice, overlay: Overlay, part: Part, bytes: Uint8Array): boolean {
  const { seal, versions } = overlay;
  const first = part.at / BLOCK_BYTES;
  for (let i = 0; i * BLOCK_BYTES < part.bytes; i += 1) {
    const plain = seal.open(versionOf(versions, first + i), bytes.subarray(i * seal.bytes, (i + 1) * seal.bytes));
    if (plain === undefined) {
      complain(gate, device, `block ${first + i} is not what was written there last; its reader gets an I/O error`);
      return false;
    }
    storeRead(gate, part.job, part.offset + i * BLOCK_BYTES, plain);
  }
  return true;
}

/** Asks for the hashes of a read together with it, so that they are there when it comes. */
function wantHashes(gate: Gate, device: BlockDevice, piece: Piece): void {
  const { tree } = device.state.backing as Overlay;
  const hash = tree === undefined ? undefined : hashOf(tree, piece.at / BLOCK_BYTES);
  if (hash !== undefined && !(hash instanceof Uint8Array)) askForTreeBlock(gate, device, hash);
}

function askForTreeBlock(gate: Gate, { state }: BlockDevice, { number, hash }: MissingBlock): void {
  const tree = (state.backing as Overlay).tree!;
  if (tree.asked.has(number)) return;
  tree.asked.set(number, hash);
  const place = { store: tree.store, offset: number * BLOCK_BYTES, length: BLOCK_BYTES };
  ask(gate, state, 'read', place, NOTHING, { treeBlock: number });
}

/** Checks a read of the base as far as hashes are there, and asks for the next that is not. */
function checkBlocks(gate: Gate, device: BlockDevice, unchecked: Unchecked): void {
  const { part, bytes } = unchecked;
  const tree = (device.state.backing as Overlay).tree!;
  const first = part.at / BLOCK_BYTES;
  for (; unchecked.checked * BLOCK_BYTES < bytes.length; unchecked.checked += 1) {
    const at = unchecked.checked * BLOCK_BYTES;
    const hash = hashOf(tree, first + unchecked.checked);
    if (!(hash instanceof Uint8Array)) {
      unchecked.missing = hash.number;
      askForTreeBlock(gate, device, hash);
      return;
    }
    if (!isHashOf(hash, bytes.subarray(at, at + BLOCK_BYTES))) {
      complain(
        gate,
        device,
        `block ${first + unchecked.checked} of its base is not the image's; its reader gets an I/O error`,
      );
      finishUnchecked(gate, device, unchecked, false);
      return;
    }
  }
  finishUnchecked(gate, device, unchecked, true);
}

function treeBlockArrived(gate: Gate, device: BlockDevice, number: number, bytes: Uint8Array): void {
  const { state } = device;
  const good = keepTreeBlock((state.backing as Overlay).tree!, number, bytes);
  if (!good) complain(gate, device, `block ${number} of its hash tree is not the image's; its readers get I/O errors`);
  for (const unchecked of [...state.unchecked]) {
    if (!isLive(device)) finishUnchecked(gate, device, unchecked, false);
    else if (unchecked.missing !== number) continue;
    else if (good) checkBlocks(gate, device, unchecked);
    else finishUnchecked(gate, device, unchecked, false);
  }
}

function finishUnchecked(gate: Gate, device: BlockDevice, unchecked: Unchecked, ok: boolean): void {
  const { part, bytes } = unchecked;
  device.state.unchecked.delete(unchecked);
  if (ok && isLive(device)) storeRead(gate, part.job, part.offset, bytes);
  finish(gate, device, part, ok);
}

function storeRead(gate: Gate, job: BlockJob, offset: number, bytes: Uint8Array): void {
  writeInto(gate.memory, job.chain, offset, bytes);
  job.stored += bytes.length;
}

/** One part is done; a failed one fails its job, of which nothing more leaves. */
function finish(gate: Gate, device: BlockDevice, { job, bytes }: Part, ok: boolean): void {
  const { state } = device;
  state.bytesUnderWay -= bytes;
  job.unanswered -= 1;
  if (!ok) {
    job.failed = true;
    job.pieces.length = 0;
    if (state.leaving === job) state.leaving = undefined;
  }
  const queue = liveQueue(device, 0);
  if (queue !== undefined) settle(gate, queue, job);
}

/** Returns the chain once nothing of it is left. */
function settle(gate: Gate, queue: Queue, { chain, unanswered, pieces, failed, stored }: BlockJob): void {
  if (unanswered === 0 && pieces.length === 0)
    complete(gate, queue, chain, stored, failed ? STATUS.ioError : STATUS.ok);
}

/** The status is the last byte that the driver gave to write. */
function complete(gate: Gate, queue: Queue, chain: Chain, stored: number, status: number): void {
  writeInto(gate.memory, chain, chain.writableBytes - 1, Uint8Array.of(status));
  returnChain(gate.memory, queue, chain, stored + 1);
}

/** A line for the 1st, 2nd, 4th, 8th, … wrong answer on a disk: who answers wrongly without end fills no log. */
function complain(gate: Gate, device: BlockDevice, what: string): void {
  const { state } = device;
  state.complaints += 1;
  if (Number.isInteger(Math.log2(state.complaints)))
    gate.log(`Block device ${device.number}, wrong answer ${state.complaints}: ${what}`);
}
