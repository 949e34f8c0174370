import { createHash, createHmac } from 'node:crypto';
import type { FromMachine, ToMachine } from '@cloister/protocol';

/**
 * What a machine may answer, said a second time and in another way than the monitor says it: a VM with two harts, of
 * which only the first ever runs, and `FRAMES` frames of RAM. `answerOf` takes a message that is one, goes to the next state and says what comes back.
 */
export const RAM = 0x8000_0000;
export const FRAMES = 32;
/** From this frame on the guest's drivers store; the model keeps no contents of these. */
export const DRIVER_FRAME = 24;
const FRAME_BYTES = 4096;

type Reason = 'sbi' | 'syscon' | 'budget' | 'frame-fault';

export interface Model {
  readonly grantKey: Uint8Array | undefined;
  readonly expected: Uint8Array | undefined;
  launch: 'new' | 'begun' | 'finished';
  digest: Uint8Array;
  hart: 'none' | 'made' | 'in guest' | Reason;
  /** The second hart was made. */
  second: boolean;
  exits: number;
  /** a7, a6, a0, a1 of a call; the value of a store; the address of a fault. */
  exposed: bigint[];
  budget: number;
  lastGrant: bigint;
  readonly frames: ('absent' | 'present' | 'outside')[];
  /** What left last of a frame that is outside, and what was in it. */
  readonly outside: Map<number, { readonly sealed: Uint8Array | undefined; readonly contents: Uint8Array }>;
  readonly ram: Uint8Array;
  starts: number;
  /** The PCI devices there are, and those that are driven; undefined: it depends on the rings. */
  readonly devices: (boolean | undefined)[];
  readonly injected: Map<number, number>;
  now: number;
}

export function createModel(
  grantKey: Uint8Array | undefined,
  expected: Uint8Array | undefined,
  devices: number,
): Model {
  return {
    ...{
      grantKey,
      expected,
      launch: 'new',
      digest: new Uint8Array(32),
      hart: 'none',
      second: false,
      exits: 0,
      exposed: [],
    },
    ...{ budget: 0, lastGrant: 0n, starts: 0, now: 0, injected: new Map(), outside: new Map() },
    frames: Array<'absent'>(FRAMES).fill('absent'),
    ram: new Uint8Array(FRAMES * FRAME_BYTES),
    devices: Array<false>(devices).fill(false),
  };
}

/** What must come back, in order. A refusal may have any reason. A frame that leaves has contents of its own. */
export type Expected = FromMachine | { readonly kind: 'frame leaves'; readonly frame: number };

const NOTHING = new Uint8Array(0);

type CallKind = Extract<FromMachine, { kind: 'call.refused' }>['call'];
const refusedCall = (call: CallKind): Expected[] => [{ kind: 'call.refused', call, reason: '' }];
const refusedLaunch: Expected[] = [{ kind: 'launch.refused', reason: '' }];

const isMade = ({ hart, second }: Model, number: number): boolean =>
  number === 0 ? hart !== 'none' : number === 1 && second;

const isExit = (hart: Model['hart']): hart is Reason => hart !== 'none' && hart !== 'made' && hart !== 'in guest';

const sha256 = (...parts: Uint8Array[]): Uint8Array => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest();
};

function wide(...values: number[]): Uint8Array {
  const out = Buffer.alloc(8 * values.length);
  values.forEach((value, i) => void out.writeBigUInt64BE(BigInt(value), 8 * i));
  return out;
}

export const digestOfUpdate = (digest: Uint8Array, address: number, bytes: Uint8Array): Uint8Array =>
  sha256(digest, Uint8Array.of(1), wide(address, bytes.length), sha256(bytes));
export const digestOfEnd = (digest: Uint8Array, ...end: number[]): Uint8Array =>
  sha256(digest, Uint8Array.of(2), wide(...end));

/** All of these bytes are the VM's. */
function owned({ frames }: Model, address: number, length: number): boolean {
  if (address < RAM || address + length > RAM + FRAMES * FRAME_BYTES) return false;
  const first = Math.floor((address - RAM) / FRAME_BYTES);
  const last = Math.floor((address + length - 1 - RAM) / FRAME_BYTES);
  return frames.slice(first, last + 1).every((state) => state === 'present');
}

export function answerOf(model: Model, message: ToMachine): Expected[] {
  switch (message.kind) {
    case 'launch.start':
      if (model.launch === 'finished') return refusedLaunch;
      model.launch = 'begun';
      model.digest = new Uint8Array(32);
      model.hart = 'none';
      model.second = false;
      model.frames.fill('absent');
      model.ram.fill(0);
      return [];
    case 'launch.update':
      if (model.launch !== 'begun' || !owned(model, message.address, message.bytes.length)) return refusedLaunch;
      model.digest = digestOfUpdate(model.digest, message.address, message.bytes);
      model.ram.set(message.bytes, message.address - RAM);
      return [];
    case 'launch.finish':
      return finish(model, message);
    case 'launch.measure':
      return [{ kind: 'launch.measured', digest: model.digest, finished: model.launch === 'finished' }];
    case 'hart.init':
      if (message.hart > 1 || model.launch !== 'begun' || isMade(model, message.hart)) return refusedCall(message.kind);
      if (message.hart === 0) model.hart = 'made';
      else model.second = true;
      return [];
    case 'hart.run':
      return enter(model, message) ? [] : refusedCall(message.kind);
    case 'state.read': {
      const place = placeOf(model, message);
      if (place === undefined) return refusedCall(message.kind);
      const { hart, exit, register } = message;
      return [{ kind: 'state.value', hart, exit, register, value: model.exposed[place]! }];
    }
    case 'state.write': {
      const place = placeOf(model, message);
      // The guest's a0 and a1, and nothing of any other exit.
      if (place === undefined || model.hart !== 'sbi' || place < 2) return refusedCall(message.kind);
      model.exposed[place] = message.value;
      return [];
    }
    case 'csr.read': {
      const { hart, csr } = message;
      if (!isMade(model, hart) || csr === 'hgeip') return refusedCall(message.kind);
      return [{ kind: 'csr.value', hart, csr, value: csr === 'budget' && hart === 0 ? BigInt(model.budget) : 0n }];
    }
    case 'csr.write':
      return inject(model, message.hart, message.csr, message.value);
    case 'fence.vma':
      return isMade(model, message.hart) ? [] : refusedCall(message.kind);
    case 'fence.gvma':
      return [];
    case 'frame.map':
      return mapFrames(model, message);
    default:
      return [];
  }
}

type MessageOf<K extends ToMachine['kind']> = Extract<ToMachine, { kind: K }>;

function finish(model: Model, { pc, deviceTree, rngSeed, firmwareInfo }: MessageOf<'launch.finish'>): Expected[] {
  const good =
    model.launch === 'begun' &&
    model.hart !== 'none' &&
    pc % 4 === 0 &&
    owned(model, pc, 4) &&
    owned(model, deviceTree, 8) &&
    (rngSeed === 0 || owned(model, rngSeed, 32)) &&
    (firmwareInfo === 0 || owned(model, firmwareInfo, 48));
  if (!good) return refusedLaunch;
  const digest = digestOfEnd(model.digest, pc, deviceTree, rngSeed, firmwareInfo);
  if (model.expected !== undefined && Buffer.compare(model.expected, digest) !== 0) return refusedLaunch;
  model.digest = digest;
  model.launch = 'finished';
  // The bench's generator.
  if (rngSeed !== 0) model.ram.fill(0xa5, rngSeed - RAM, rngSeed - RAM + 32);
  return [{ kind: 'launch.finished' }];
}

/** Which of the exposed values the register is, for the exit that the hart waits with. */
function placeOf(model: Model, { hart, exit, register }: MessageOf<'state.read' | 'state.write'>): number | undefined {
  if (hart !== 0 || !isExit(model.hart) || exit !== model.exits) return undefined;
  const exposes = { sbi: 'a7 a6 a0 a1', syscon: 'stored', budget: '', 'frame-fault': 'address' }[model.hart];
  const place = exposes.split(' ').indexOf(register);
  return place < 0 ? undefined : place;
}

export function macOf(key: Uint8Array, microseconds: number, sequence: bigint): Uint8Array {
  const numbers = Buffer.alloc(12);
  numbers.writeUInt32BE(microseconds, 0);
  numbers.writeBigUInt64BE(sequence, 4);
  return createHmac('sha256', key).update('cloister run grant 1').update(numbers).digest().subarray(0, 16);
}

function enter(model: Model, message: MessageOf<'hart.run'>): boolean {
  const { hart, exit, registers, microseconds, sequence, mac } = message;
  if (hart !== 0 || model.launch !== 'finished' || model.hart === 'none' || model.hart === 'in guest') return false;
  if (exit !== (model.hart === 'made' ? 0 : model.exits)) return false;
  if (registers.length !== 0 && registers.length !== (model.hart === 'sbi' ? 2 : 0)) return false;
  if (microseconds === 0 && model.budget === 0) return false;
  if (microseconds !== 0 && model.grantKey !== undefined) {
    if (sequence <= model.lastGrant || Buffer.compare(mac, macOf(model.grantKey, microseconds, sequence)) !== 0)
      return false;
  }
  if (microseconds !== 0) model.lastGrant = sequence;
  model.budget = Math.min(model.budget + microseconds, 2 ** 32 - 1);
  if (model.hart === 'made') model.starts += 1;
  registers.forEach((value, i) => {
    model.exposed[2 + i] = value;
  });
  model.hart = 'in guest';
  return true;
}

function inject(model: Model, hart: number, csr: string, value: bigint): Expected[] {
  const device = Number(value) - 16;
  const last = model.injected.get(device) ?? Number.NEGATIVE_INFINITY;
  if (!isMade(model, hart) || csr !== 'hgeip' || model.now - last < 125) return refusedCall('csr.write');
  if (model.devices[device] !== true) return refusedCall('csr.write');
  model.injected.set(device, model.now);
  return [];
}

function mapFrames(model: Model, { operation, frame, count, sealed }: MessageOf<'frame.map'>): Expected[] {
  const { frames, outside, ram } = model;
  const refused = refusedCall('frame.map');
  const done: Expected[] = [{ kind: 'frame.mapped', operation, frame, sealed: NOTHING }];
  const range = frames.slice(frame, frame + count);
  if (model.launch === 'new' || range.length !== count) return refused;
  const from = frame * FRAME_BYTES;
  switch (operation) {
    case 'zero':
      if (sealed.length > 0 || range.some((state) => state !== 'absent')) return refused;
      frames.fill('present', frame, frame + count);
      return done;
    case 'take': {
      const still = model.hart === 'made' || (isExit(model.hart) && model.hart !== 'syscon');
      if (count !== 1 || sealed.length > 0 || range[0] !== 'present' || model.launch !== 'finished' || !still)
        return refused;
      frames[frame] = 'outside';
      outside.set(frame, { sealed: undefined, contents: ram.slice(from, from + FRAME_BYTES) });
      ram.fill(0, from, from + FRAME_BYTES);
      return [{ kind: 'frame leaves', frame }];
    }
    case 'restore': {
      const left = outside.get(frame);
      if (count !== 1 || range[0] !== 'outside' || Buffer.compare(left!.sealed!, sealed) !== 0) return refused;
      frames[frame] = 'present';
      ram.set(left!.contents, from);
      return done;
    }
  }
}
