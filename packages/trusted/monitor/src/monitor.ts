import {
  boardOf,
  type Completion,
  completeExit,
  type Exit,
  pendingExit,
  untilWoken,
  wakeCount,
  wakeMonitor,
} from '@cloister/hardware';
import {
  BUDGETS,
  type Channel,
  createRate,
  type DeviceConfig,
  describePlatform,
  type FromMachine,
  fromMachine,
  type LaunchEnd,
  SERIAL_PORT,
  type ToMachine,
  throttle,
  toMachine,
} from '@cloister/protocol';
import { createExitCounts, type ExitCounts } from './exit-counts.ts';
import { createHartRecord, exposed, type HartRecord, leave, NO_VALUE, type SliceExit } from './harts.ts';
import { decodeCall } from './hypelet-calls/decode.ts';
import type { Gate, PayloadArea } from './io-gate/device.ts';
import {
  consolePorts,
  createDevices,
  gatePortMessage,
  gateRead,
  gateReplied,
  gateResend,
  gateResize,
  gateWait,
  gateWrite,
  serveDoorbells,
} from './io-gate/gate.ts';
import { createGuestMemory } from './io-gate/guest-memory.ts';
import { decodeLaunch } from './launch/decode.ts';
import { createLaunch } from './launch/launch.ts';
import { limitedLog } from './limited-log.ts';
import type { Decoded, Machine } from './machine.ts';
import { createPortEnd, hearHost } from './port-end.ts';
import { createPorts } from './ports.ts';
import { answerSbi } from './sbi.ts';
import type { BlockSeal } from './seal/block-seal.ts';
import { createFrameSeal } from './seal/frame-seal.ts';
import { giveSerialInput, takeSerialOutput } from './serial.ts';
import { createPit } from './tables/pit.ts';

export interface MonitorConfig {
  /** The machine's one shared memory. */
  readonly memory: SharedArrayBuffer;
  readonly harts: number;
  readonly devices: readonly DeviceConfig[];
  /** What takes the place of sealing and of checking bases, in the baseline that measures what both cost. */
  readonly unsealed?: BlockSeal | undefined;
  /** To the slice. */
  readonly channel: Channel;
  /** Shared with storage. */
  readonly payloads: PayloadArea;
  /** The launch digest that the owner wants; undefined: whatever the slice launches. */
  readonly expectedDigest?: Uint8Array | undefined;
  /** Under which the scheduler's grants are authenticated; undefined: there is no scheduler, and any budget is taken. */
  readonly grantKey?: Uint8Array | undefined;
  /** `length` random bytes, from the machine's one outside source. */
  random(length: number): Uint8Array;
  /** Milliseconds, from any start. */
  now(): number;
  /** Starts the thread of hart 0. */
  start(end: LaunchEnd): void;
  /** One line for the operator. */
  log(line: string): void;
  /** Resolves in a later turn of the event loop, after at least that many milliseconds. */
  pause(milliseconds: number): Promise<void>;
}

export interface Monitor {
  /** Serves harts and slice until `stop`. Never rejects. */
  run(): Promise<void>;
  stop(): void;
  /** One look at everything that harts can have for the monitor; `run` does nothing else, again and again. */
  look(): void;
  readonly counts: ExitCounts;
}

/** Passes of the loop without a wait, after which the event loop gets its turn: messages must come in, too. */
const PASSES_MAX = 16;

/** How often waiting serial input is offered again, in milliseconds: the UART tells nobody when it is read. */
const SERIAL_RETRY_MS = 10;

/** Bytes that may wait for a slice that goes on calling: it takes no answers, then. Requests of the gate are bounded below it. */
const WAITING_BYTES_MAX = 64 * 1024 * 1024;

/** The trusted context beside the harts: one event loop that answers exits, serves doorbells and hears the slice. */
export function createMonitor(config: MonitorConfig): Monitor {
  const board = boardOf(config.memory);
  const { channel } = config;
  const log = limitedLog(config.log, () => config.now());
  const send: Machine['send'] = (message) => channel.send(fromMachine.encode(message));
  const memory = createGuestMemory(config.memory);
  const devices = createDevices(config.devices, config.unsealed, config.random);
  const ports = createPorts(consolePorts(devices), send);
  const gate: Gate = {
    memory,
    board,
    harts: config.harts,
    devices,
    payloads: config.payloads,
    send: (message) => (message.kind === 'block.request' ? send(message) : ports.send(message)),
    random: config.random,
    log,
    rates: devices.map(() => createRate(BUDGETS.guestToDevice, config.now)),
  };
  const machine: Machine = {
    memory: config.memory,
    board,
    gate,
    serial: createPortEnd(SERIAL_PORT),
    ports,
    harts: Array.from({ length: config.harts }, createHartRecord),
    launch: createLaunch(config.expectedDigest),
    pit: createPit(memory),
    seal: createFrameSeal(config.random),
    budget: { key: config.grantKey, sequence: 0n },
    counts: createExitCounts(),
    injectedAt: new Map(),
    now: () => config.now(),
    start: config.start,
    send,
    log,
  };
  let stopped = false;

  const close = (fault: string): void => {
    log(fault);
    channel.close(fault);
  };
  const heldToBudget = throttle(BUDGETS.sliceToMachine, config);
  channel.listen({
    frame(frame) {
      const message = toMachine.decode(frame);
      if (message === undefined) close('The slice sent what is no message');
      else if (channel.queuedBytes > WAITING_BYTES_MAX) close('The slice calls and takes no answers');
      else hear(machine, message);
      return heldToBudget(frame.length);
    },
    renewed() {
      greet(machine);
      ports.resend();
      resend(machine, 0);
    },
  });
  greet(machine);

  return {
    async run() {
      let passes = 0;
      while (!stopped) {
        const seen = wakeCount(board);
        look(machine);
        passes += 1;
        if (passes % PASSES_MAX === 0) await config.pause(0);
        const again = machine.serial.input.length > 0 ? SERIAL_RETRY_MS : gateWait(gate);
        await (again > 0 ? Promise.race([untilWoken(board, seen), config.pause(again)]) : untilWoken(board, seen));
      }
    },
    stop() {
      stopped = true;
      wakeMonitor(board);
    },
    look: () => look(machine),
    counts: machine.counts,
  };
}

/** What a slice that knows nothing has to know, in the order in which it can act on it. */
function greet(machine: Machine): void {
  const { launch, harts, gate } = machine;
  const phase = launch.phase !== 'finished' ? 'launching' : harts[0]!.phase === 'created' ? 'launched' : 'running';
  machine.send({ kind: 'platform', phase, ...describePlatform(harts.length, gate.memory.ram.length) });
  harts.forEach((hart, number) => {
    if (hart.phase === 'exited') tellExit(machine, number, hart);
  });
}

function look(machine: Machine): void {
  serveDoorbells(machine.gate);
  takeSerialOutput(machine.serial, machine.board, machine.ports.send);
  giveSerialInput(machine.serial, machine.board, machine.ports.send);
  machine.harts.forEach((hart, number) => {
    // No exit before a run, and none while the slice has one.
    const exit = hart.phase === 'running' ? pendingExit(machine.board, number) : undefined;
    if (exit === undefined) return;
    const completion = ownAnswer(machine, exit);
    if (completion === undefined) exitToSlice(machine, number, exit as SliceExit);
    else {
      machine.counts.exits.gate += 1;
      completeExit(machine.board, number, completion);
    }
  });
}

/** What the machine answers itself; undefined: the exit is the slice's. */
function ownAnswer(machine: Machine, exit: Exit): Completion | undefined {
  switch (exit.reason) {
    case 'mmio-read':
      return { value: gateRead(machine.gate, exit.address, exit.size) };
    case 'mmio-write':
      gateWrite(machine.gate, exit.address, exit.size, exit.value);
      return NO_VALUE;
    case 'sbi':
      return answerSbi(machine, exit);
    default:
      return undefined;
  }
}

function exitToSlice(machine: Machine, number: number, exit: SliceExit): void {
  const hart = machine.harts[number]!;
  leave(hart, exit);
  machine.counts.exits[exit.reason] += 1;
  // What the guest wrote before it called must be there first.
  takeSerialOutput(machine.serial, machine.board, machine.ports.send);
  tellExit(machine, number, hart);
}

function tellExit(machine: Machine, number: number, hart: HartRecord): void {
  const { exits: exit, reason } = hart;
  machine.send({ kind: 'hart.exit', hart: number, exit, reason, registers: exposed(hart) });
}

/** Asks again what was not answered. */
function resend({ send, gate }: Machine, round: number): void {
  send({ kind: 'block.resending', round });
  gateResend(gate);
}

function hear(machine: Machine, message: ToMachine): void {
  const { gate, serial, board } = machine;
  switch (message.kind) {
    case 'block.resend':
      resend(machine, message.round);
      break;
    case 'block.reply':
      gateReplied(gate, message);
      break;
    case 'port.data':
    case 'port.taken':
    case 'port.open': {
      const event = machine.ports.receive(message);
      if (event === undefined) break;
      if (event.port !== SERIAL_PORT) gatePortMessage(gate, event);
      else {
        hearHost(serial, event);
        giveSerialInput(serial, board, machine.ports.send);
        // The loop looks at the UART again.
        wakeMonitor(board);
      }
      break;
    }
    case 'port.resize':
      gateResize(gate, message.columns, message.rows);
      break;
    case 'launch.start':
    case 'launch.update':
    case 'launch.finish':
    case 'launch.measure':
      carryOut(machine, message.kind, decodeLaunch(machine, message), (reason) => ({ kind: 'launch.refused', reason }));
      break;
    default: {
      for (const { phase, reason } of machine.harts) if (phase === 'exited') machine.counts.calls[reason] += 1;
      const call = message.kind;
      carryOut(machine, call, decodeCall(machine, message), (reason) => ({ kind: 'call.refused', call, reason }));
    }
  }
}

function carryOut(machine: Machine, what: string, decoded: Decoded, refusal: (reason: string) => FromMachine): void {
  if (typeof decoded !== 'string') decoded();
  else {
    machine.log(`Refused ${what}: ${decoded}`);
    machine.send(refusal(decoded));
  }
}
