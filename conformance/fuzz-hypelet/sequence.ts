import {
  boardOf,
  type Exit,
  frameFlags,
  postExit,
  spendBudget,
  takeAttention,
  takeCompletion,
} from '@cloister/hardware';
import { type FromMachine, toMachine } from '@cloister/protocol';
import { type Random, randomFrom } from '../../packages/protocol/src/testing/mutate.ts';
import {
  addChain,
  allocate,
  createGuest,
  type Guest,
  kick,
  startDevice,
} from '../../packages/trusted/monitor/src/testing/guest-driver.ts';
import { type MonitorBench, monitorBench } from '../../packages/trusted/monitor/src/testing/monitor-bench.ts';
import { END, HONEST, nextMessage, type Seen } from './messages.ts';
import { answerOf, createModel, DRIVER_FRAME, digestOfEnd, type Expected, FRAMES, type Model, RAM } from './model.ts';

export const RAM_BYTES = FRAMES * 4096;
const RAM_AT = 0x4000_0000;
const BOARD = { uartOut: 0x2000, uartIn: 0x1_4000 } as const;
const STEPS_MAX = 20;
const GRANT_KEY = new Uint8Array(32).fill(0x33);
const DEVICES = [
  { kind: 'console', names: ['a'] },
  { kind: 'rng' },
  {
    kind: 'block',
    sectors: 64,
    readOnly: false,
    backing: { kind: 'overlay', base: 0, tree: 'unverified', overlay: 1 },
  },
] as const;
const BLOCK_DEVICE = 2;
const SBI = { reset: 0x53525354n, hart: 0x48534dn, console: 0x4442434en } as const;

/** What a run of sequences has seen in all. */
export interface Tally {
  messages: number;
  decoded: number;
  accepted: Record<string, number>;
}

interface Run {
  readonly random: Random;
  readonly bench: MonitorBench;
  readonly model: Model;
  readonly seen: Seen;
  readonly tally: Tally;
}

/** @throws Error where the machine does what the model does not allow; its message has all that is needed to see why */
export function runSequence(memory: SharedArrayBuffer, seed: number, tally: Tally): void {
  const random = randomFrom(seed);
  for (let i = 0; i < 4; i += 1) random(2);
  makeNew(memory);
  const grantKey = random(2) === 0 ? GRANT_KEY : undefined;
  const expected = [undefined, undefined, new Uint8Array(32), digestOfEnd(new Uint8Array(32), ...Object.values(END))][
    random(4)
  ];
  const model = createModel(grantKey, expected, DEVICES.length);
  const bench = monitorBench(memory, {
    harts: 2,
    devices: DEVICES,
    grantKey,
    expectedDigest: expected,
    now: () => model.now,
  });
  const run: Run = { random, bench, model, seen: { requests: [], sealed: [], grants: [] }, tally };
  const said: string[] = [];
  try {
    check(run, bench.take(), [{ kind: 'platform' } as FromMachine]);
    // Half of the slices turn hostile when their guest could run.
    if (random(2) === 0) for (const message of HONEST) say(run, toMachine.encode(message));
    for (let step = random(STEPS_MAX - 8); step < STEPS_MAX; step += 1) {
      const frame = nextMessage(random, model, run.seen);
      said.push(Buffer.from(frame).toString('hex').slice(0, 200));
      say(run, frame);
      if (model.hart === 'in guest' && random(2) === 0) said.push(leave(run));
      model.now += random(100);
    }
    checkMemory(run);
  } catch (error) {
    throw new Error(`seed ${seed}: ${(error as Error).message}\n${said.join('\n')}\n${bench.logged.join('\n')}`, {
      cause: error,
    });
  }
}

/** A machine that was just made, in a memory that was used. */
function makeNew(memory: SharedArrayBuffer): void {
  const { words } = boardOf(memory);
  // All but the rings' bytes.
  words.fill(0, 0, (BOARD.uartOut + 8) >> 2);
  words.fill(0, BOARD.uartIn >> 2, (BOARD.uartIn + 8) >> 2);
  frameFlags(memory).fill(0, 0, FRAMES);
  new Uint8Array(memory, RAM_AT, RAM_BYTES).fill(0);
}

function say({ bench, model, tally, ...run }: Run, frame: Uint8Array): void {
  const message = toMachine.decode(frame);
  tally.messages += 1;
  const before = model.hart;
  // What storage leaves where the machine will look.
  if (message?.kind === 'block.reply') bench.area.fill(run.random(256), message.at, message.at + 4112);
  bench.sayBytes(frame.slice());
  const heard = bench.take();
  if (message === undefined) {
    if (bench.state.closed === undefined) throw new Error('What is no message did not close the channel');
    if (heard.length > 0) throw new Error('What is no message was answered');
    // The launcher would put another slice in its place.
    bench.state.closed = undefined;
    bench.renew();
    const phase = model.launch !== 'finished' ? 'launching' : model.hart === 'made' ? 'launched' : 'running';
    const again: Expected[] = isWaiting(model) ? [exitOf(model)] : [];
    check({ bench, model, tally, ...run }, bench.take(), [{ kind: 'platform', phase } as FromMachine, ...again]);
    return;
  }
  tally.decoded += 1;
  if (bench.state.closed !== undefined) throw new Error(`A message closed the channel: ${bench.state.closed}`);
  const expected = answerOf(model, message);
  // Whether a device whose frames were taken is still driven depends on its rings.
  const unsure =
    message.kind === 'csr.write' && model.devices[Number(message.value) - 16] === undefined && message.value < 19n;
  check({ bench, model, tally, ...run }, heard, unsure && heard.length === 0 ? [] : expected);
  if (expected.every(({ kind }) => !kind.endsWith('refused')))
    tally.accepted[message.kind] = (tally.accepted[message.kind] ?? 0) + 1;
  if (bench.started.length !== model.starts) throw new Error(`Hart 0 was started ${bench.started.length} times`);
  const completion = takeCompletion(bench.board, 0);
  const entered = isExit(before) && model.hart === 'in guest';
  if ((completion !== undefined) !== entered) throw new Error(`The exit was ${entered ? 'not ' : ''}completed`);
  const [error, value] = entered && before === 'sbi' ? model.exposed.slice(2) : [0n, 0n];
  if (completion !== undefined && (completion.error !== error || completion.value !== value))
    throw new Error(`a0 and a1 became ${completion.error} and ${completion.value}, not ${error} and ${value}`);
  if (
    message.kind.startsWith('fence') &&
    expected.length === 0 &&
    !('hart' in message && message.hart > 0) &&
    (takeAttention(bench.board, 0) & 4) === 0
  )
    throw new Error('A fence did not reach the hart');
}

const isExit = (hart: Model['hart']): boolean => !['none', 'made', 'in guest'].includes(hart);
const isWaiting = ({ hart }: Model): boolean => isExit(hart);
const exitOf = ({ hart, exits, exposed }: Model): FromMachine =>
  ({ kind: 'hart.exit', hart: 0, exit: exits, reason: hart, registers: [...exposed] }) as FromMachine;

/** What the gate says of its own accord, and as an answer to ports and replies. */
const OF_THE_GATE = ['block.request', 'block.resending', 'port.data', 'port.taken', 'port.open'];

function check({ model, seen }: Run, heard: readonly FromMachine[], expected: readonly Expected[]): void {
  for (const message of heard)
    if (message.kind === 'block.request') {
      const before = seen.requests.findIndex(({ at }) => at === message.at);
      seen.requests.splice(before < 0 ? seen.requests.length : before, 1, message);
    }
  const answers = heard.filter(({ kind }) => !OF_THE_GATE.includes(kind));
  const agrees =
    answers.length === expected.length && answers.every((answer, i) => answersTo(answer, expected[i]!, model, seen));
  if (!agrees) throw new Error(`The machine said ${show(answers)} and not ${show(expected)}`);
}

function answersTo(answer: FromMachine, wanted: Expected, model: Model, seen: Seen): boolean {
  if (wanted.kind !== 'frame leaves') {
    const fields = wanted as unknown as Record<string, unknown>;
    const mayDiffer = (name: string): boolean =>
      !(name in fields) || (name === 'reason' && answer.kind.endsWith('refused'));
    return Object.entries(answer).every(([name, value]) => mayDiffer(name) || same(value, fields[name]));
  }
  const { frame } = wanted;
  if (answer.kind !== 'frame.mapped' || answer.frame !== frame || answer.sealed.length !== 4112) return false;
  const sealed = answer.sealed.slice();
  if (seen.sealed.some((old) => same(old.sealed, sealed))) throw new Error('A sealed frame came twice');
  seen.sealed.push({ frame, sealed });
  model.outside.set(frame, { ...model.outside.get(frame)!, sealed });
  if (frame >= DRIVER_FRAME) model.devices[BLOCK_DEVICE] &&= undefined;
  return true;
}

const same = (a: unknown, b: unknown): boolean =>
  a instanceof Uint8Array && b instanceof Uint8Array
    ? Buffer.compare(a, b) === 0
    : Array.isArray(a) && Array.isArray(b)
      ? a.length === b.length && a.every((value, i) => value === b[i])
      : a === b;

const show = (messages: readonly object[]): string =>
  JSON.stringify(messages, (_, value) =>
    typeof value === 'bigint' ? `${value}n` : value instanceof Uint8Array ? value.length : value,
  );

/** The hart's side: something makes it leave the guest. Returns what, for the report. */
function leave(run: Run): string {
  const { random, bench, model } = run;
  const args = [0, 1, 2, 3, 4, 5].map(() => BigInt(random(2) ? random(2 ** 31) : random(4)));
  const frame = random(FRAMES);
  const exits: readonly Exit[] = [
    { reason: 'sbi', extension: SBI.reset, function: 0n, arguments: args },
    { reason: 'sbi', extension: SBI.reset, function: 1n, arguments: args },
    { reason: 'sbi', extension: [SBI.hart, SBI.console, 5n][random(3)]!, function: BigInt(random(4)), arguments: args },
    { reason: 'syscon', value: random(2 ** 31) },
    { reason: 'budget' },
    { reason: 'frame-fault', address: RAM + 4096 * frame },
    { reason: 'mmio-read', address: 0x3000_0000 + 4 * random(2 ** 18), size: 4 },
    { reason: 'mmio-write', address: 0x4000_0000 + 4 * random(2 ** 18), size: 4, value: args[0]! },
  ];
  if (model.devices[BLOCK_DEVICE] === false && random(6) === 0) return drive(run);
  const exit = exits[random(exits.length)]!;
  if (exit.reason === 'mmio-write') model.devices[BLOCK_DEVICE] &&= undefined;
  const spent = random(3) === 0 ? model.budget : random(1000);
  spendBudget(bench.board, 0, spent);
  model.budget = Math.max(0, model.budget - spent);
  postExit(bench.board, 0, exit);
  bench.monitor.look();
  const toSlice =
    exit.reason === 'sbi' ? exit.extension === SBI.reset && exit.function === 0n : !exit.reason.startsWith('mmio');
  if (toSlice) {
    model.hart = exit.reason as Model['hart'];
    model.exits += 1;
    model.exposed = {
      sbi: [SBI.reset, 0n, args[0]!, args[1]!],
      syscon: [BigInt(exit.reason === 'syscon' ? exit.value : 0)],
      budget: [],
      'frame-fault': [BigInt(RAM + 4096 * frame)],
    }[exit.reason as 'sbi'];
  }
  const completed = takeCompletion(bench.board, 0) !== undefined;
  if (completed === toSlice)
    throw new Error(`An exit for ${exit.reason} was ${completed ? '' : 'not '}answered by the monitor`);
  check(run, bench.take(), toSlice ? [exitOf(model)] : []);
  return `exit ${exit.reason}`;
}

/** The guest's driver starts the disk and asks for something, so that there are requests to reply to. */
function drive(run: Run): string {
  const { bench, model, random } = run;
  if (model.frames.slice(DRIVER_FRAME).some((state) => state !== 'present')) return 'no room for a driver';
  const access = (exit: Exit): bigint => {
    postExit(bench.board, 0, exit);
    bench.monitor.look();
    const completion = takeCompletion(bench.board, 0);
    if (completion === undefined) throw new Error('A register access was not answered');
    return completion.value;
  };
  const guest = createGuest(bench.memory, {
    read: (address, size) => access({ reason: 'mmio-read', address, size }),
    write: (address, size, value) => void access({ reason: 'mmio-write', address, size, value }),
    ring: (device, queue) => void (bench.board.words[(0x1000 + device * 64) / 4 + 2] = 1 << queue),
  });
  guest.free = RAM + DRIVER_FRAME * 4096;
  const device = startDevice(guest, BLOCK_DEVICE, 0n, 8);
  for (let i = random(2); i >= 0; i -= 1) addChain(guest, device.queues[0]!, request(guest, random));
  kick(guest, device.queues[0]!, 8);
  bench.monitor.look();
  model.devices[BLOCK_DEVICE] = true;
  check(run, bench.take(), []);
  return 'driver';
}

function request(guest: Guest, random: Random) {
  const header = allocate(guest, 16);
  const type = random(2);
  guest.view.setUint32(header - RAM, type, true);
  const data = allocate(guest, 4096);
  const status = allocate(guest, 1);
  return [
    { address: header, length: 16, writable: false },
    { address: data, length: 4096, writable: type === 0 },
    { address: status, length: 1, writable: true },
  ];
}

/** Guest RAM below the drivers' frames is what the launch and nobody else made of it; frames' flags are what they are. */
function checkMemory({ bench, model }: Run): void {
  const flags = frameFlags(bench.memory);
  model.frames.forEach((state, frame) => {
    if (((flags[frame]! & 1) === 0) !== (state === 'present'))
      throw new Error(`Frame ${frame} is ${state}, its flags say otherwise`);
  });
  const length = 4096 * DRIVER_FRAME;
  if (Buffer.compare(bench.ram.subarray(0, length), model.ram.subarray(0, length)) !== 0)
    throw new Error('Guest RAM is not what it must be');
}
