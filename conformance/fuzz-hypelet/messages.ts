import {
  type BlockRequest,
  PAYLOAD_PLACE_BYTES,
  REGISTERS,
  type Register,
  SLICE_CALLS,
  type ToMachine,
  toMachine,
  VIRTUAL_CSR_NAMES,
} from '@cloister/protocol';
import { mutate, type Random } from '../../packages/protocol/src/testing/mutate.ts';
import { FRAMES, type Model, macOf, RAM } from './model.ts';

/** What a hostile slice has seen and may say again: the machine's requests, and frames that left. */
export interface Seen {
  readonly requests: BlockRequest[];
  readonly sealed: { readonly frame: number; readonly sealed: Uint8Array }[];
  readonly grants: MessageOf<'hart.run'>[];
}

type MessageOf<K extends ToMachine['kind']> = Extract<ToMachine, { kind: K }>;

const NOTHING = new Uint8Array(0);
export const END = { pc: RAM, deviceTree: RAM + 4096, rngSeed: RAM + 8192, firmwareInfo: 0 } as const;
const RAM_END = RAM + FRAMES * 4096;

/** What an honest slice says until its guest runs. */
export const HONEST: readonly ToMachine[] = [
  { kind: 'launch.start' },
  { kind: 'frame.map', operation: 'zero', frame: 0, count: FRAMES, sealed: NOTHING },
  { kind: 'hart.init', hart: 1 },
  { kind: 'hart.init', hart: 0 },
  { kind: 'launch.finish', ...END },
];

/** A message as bytes: a good one, a random one, or a good one with bytes changed. */
export function nextMessage(random: Random, model: Model, seen: Seen): Uint8Array {
  const kind = random(10);
  const message = kind < 6 ? sensible(random, model, seen) : anything(random, model, seen);
  const frame = toMachine.encode(message);
  return kind < 9 ? frame : mutate(random, frame);
}

const pick = <T>(random: Random, list: readonly T[]): T => list[random(list.length)]!;
const address = (random: Random): number =>
  pick(random, [
    RAM,
    RAM + 4096,
    RAM_END - 1,
    RAM_END - 4096,
    RAM - 1,
    RAM_END,
    0,
    2 ** 53 - 1,
    RAM + random(RAM_END - RAM),
  ]);
const word = (random: Random): bigint =>
  pick(random, [0n, 1n, 16n, 17n, 18n, 31n, 2n ** 64n - 1n, 2n ** 63n, BigInt(random(2 ** 31))]);
const bytes = (random: Random, length: number): Uint8Array => new Uint8Array(length).fill(random(256));
const registerOf = (random: Random): Register => pick(random, REGISTERS);

/** What an honest slice could say next, mostly. */
function sensible(random: Random, model: Model, seen: Seen): ToMachine {
  if (model.launch === 'new') return { kind: 'launch.start' };
  if (model.launch === 'begun') {
    const absent = model.frames.indexOf('absent');
    if (absent >= 0 && random(3) > 0) {
      let count = 1;
      while (model.frames[absent + count] === 'absent') count += 1;
      if (random(4) === 0) count = 1 + random(count);
      return { kind: 'frame.map', operation: 'zero', frame: absent, count, sealed: NOTHING };
    }
    if (model.hart === 'none' && random(2) === 0) return { kind: 'hart.init', hart: 0 };
    if (random(3) === 0 && model.expected === undefined)
      return { kind: 'launch.update', address: RAM + random(RAM_END - RAM), bytes: bytes(random, 1 + random(5000)) };
    return { kind: 'launch.finish', ...END };
  }
  if (model.hart === 'in guest' && seen.requests.length > 0 && random(2) === 0) return reply(random, seen);
  switch (random(8)) {
    case 0:
      return {
        kind: 'state.read',
        hart: 0,
        exit: model.exits,
        register: pick(random, ['a0', 'a7', 'stored', 'address']),
      };
    case 1:
      return {
        kind: 'state.write',
        hart: 0,
        exit: model.exits,
        register: pick(random, ['a0', 'a1']),
        value: word(random),
      };
    case 2:
      return { kind: 'frame.map', operation: 'take', frame: random(FRAMES), count: 1, sealed: NOTHING };
    case 3:
      if (seen.sealed.length > 0) {
        const { frame, sealed } = seen.sealed[seen.sealed.length - 1]!;
        const changed = sealed.map((byte, i) => (i === 5 ? byte ^ 1 : byte));
        const given = [sealed, sealed, changed, sealed.subarray(1)][random(4)]!;
        return { kind: 'frame.map', operation: 'restore', frame, count: 1, sealed: given };
      }
      return { kind: 'csr.write', hart: 0, csr: 'hgeip', value: BigInt(16 + random(4)) };
    case 4:
      return { kind: 'csr.write', hart: 0, csr: 'hgeip', value: BigInt(16 + random(3)) };
    default:
      return run(random, model, seen);
  }
}

function run(random: Random, model: Model, seen: Seen): ToMachine {
  const microseconds = random(3) === 0 ? 0 : 1 + random(10_000);
  const sequence = BigInt.asUintN(64, model.lastGrant + BigInt(random(3)));
  const mac = model.grantKey === undefined ? NOTHING : macOf(model.grantKey, microseconds, sequence);
  const exit = model.hart === 'made' ? 0 : model.exits;
  const registers = model.hart === 'sbi' && random(2) === 0 ? [word(random), word(random)] : [];
  const message: MessageOf<'hart.run'> = { kind: 'hart.run', hart: 0, exit, registers, microseconds, sequence, mac };
  seen.grants.push(message);
  return message;
}

/** A reply of the service behind the slice: right, or of the wrong store or request, or for the second time. */
function reply(random: Random, seen: Seen): ToMachine {
  const request = pick(random, seen.requests);
  const { store, at } = request;
  if (random(3) > 0) seen.requests.splice(seen.requests.indexOf(request), 1);
  const good = { kind: 'block.reply', store, at, ok: random(4) > 0 } as const;
  switch (random(8)) {
    case 0:
      return { ...good, store: random(3) };
    case 1:
      return { ...good, at: random(20) * PAYLOAD_PLACE_BYTES };
    default:
      return good;
  }
}

/** Any message there is, with fields from the middle and the ends of their ranges. */
function anything(random: Random, model: Model, seen: Seen): ToMachine {
  const hart = random(5) === 0 ? pick(random, [1, 1, 1, 2, 7]) : 0;
  const exit = pick(random, [0, model.exits, model.exits + 1, Math.max(0, model.exits - 1), 2 ** 53 - 1]);
  const port = pick(random, [0, 1, 2, 3, 0xffff]);
  const position = pick(random, [0, 1, random(100), 2 ** 53 - 1]);
  const kinds = [...SLICE_CALLS, 'launch.start', 'launch.update', 'launch.finish', 'launch.measure'] as const;
  switch (
    pick(random, [
      ...kinds,
      'block.reply',
      'block.resend',
      'port.data',
      'port.taken',
      'port.open',
      'port.resize',
    ] as const)
  ) {
    case 'hart.init':
      return { kind: 'hart.init', hart };
    case 'hart.run':
      if (seen.grants.length > 0 && random(2) === 0) return pick(random, seen.grants);
      return {
        ...{
          kind: 'hart.run',
          hart,
          exit,
          registers: [0n, 1n].slice(random(3)),
          microseconds: random(2) * random(2 ** 31),
        },
        ...{ sequence: word(random), mac: bytes(random, random(17)) },
      };
    case 'state.read':
      return { kind: 'state.read', hart, exit, register: registerOf(random) };
    case 'state.write':
      return { kind: 'state.write', hart, exit, register: registerOf(random), value: word(random) };
    case 'csr.read':
      return { kind: 'csr.read', hart, csr: pick(random, VIRTUAL_CSR_NAMES) };
    case 'csr.write':
      return { kind: 'csr.write', hart, csr: pick(random, VIRTUAL_CSR_NAMES), value: word(random) };
    case 'fence.vma':
      return { kind: 'fence.vma', hart };
    case 'fence.gvma':
      return { kind: 'fence.gvma' };
    case 'frame.map': {
      const old = seen.sealed.length > 0 && random(2) === 0 ? pick(random, seen.sealed) : undefined;
      return {
        kind: 'frame.map',
        operation: pick(random, ['zero', 'take', 'restore']),
        frame:
          old !== undefined && random(4) > 0 ? old.frame : pick(random, [random(FRAMES), FRAMES - 1, FRAMES, 786_431]),
        count: random(3) > 0 ? 1 : pick(random, [2, FRAMES, FRAMES + 1, 786_432]),
        sealed: old?.sealed ?? bytes(random, pick(random, [0, 0, 1, 4111, 4112])),
      };
    }
    case 'launch.start':
      return { kind: 'launch.start' };
    case 'launch.update':
      return {
        kind: 'launch.update',
        address: address(random),
        bytes: bytes(random, 1 + random(random(2) ? 9000 : 8)),
      };
    case 'launch.finish': {
      const end = {
        pc: address(random),
        deviceTree: address(random),
        rngSeed: address(random),
        firmwareInfo: address(random),
      };
      const some = Object.entries(end).filter(() => random(4) === 0);
      return { kind: 'launch.finish', ...END, ...Object.fromEntries(some) };
    }
    case 'launch.measure':
      return { kind: 'launch.measure' };
    case 'block.reply':
      if (seen.requests.length > 0) return reply(random, seen);
      return { kind: 'block.reply', store: random(2), at: random(3) * PAYLOAD_PLACE_BYTES, ok: true };
    case 'block.resend':
      return { kind: 'block.resend', round: random(3) };
    case 'port.data':
      return { kind: 'port.data', port, position, bytes: bytes(random, random(600)) };
    case 'port.taken':
      return { kind: 'port.taken', port, position };
    case 'port.open':
      return { kind: 'port.open', port, position, open: random(2) === 0 };
    case 'port.resize':
      return { kind: 'port.resize', columns: random(300), rows: random(100) };
  }
}
