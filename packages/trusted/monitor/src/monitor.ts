import {
  type Board,
  boardOf,
  completeExit,
  type Exit,
  pendingExit,
  untilWoken,
  wakeCount,
  wakeMonitor,
} from '@cloister/hardware';
import { type Channel, fromMachine, SERIAL_PORT, type ToMachine, toMachine } from '@cloister/protocol';
import { act } from './hypelet-calls/act.ts';
import { createHartRecord, decodeCall } from './hypelet-calls/decode.ts';
import type { Gate } from './io-gate/device.ts';
import {
  consolePorts,
  createDevices,
  type DeviceConfig,
  gatePortMessage,
  gateRead,
  gateReplied,
  gateResend,
  gateResize,
  gateWrite,
  serveDoorbells,
} from './io-gate/gate.ts';
import { createGuestMemory } from './io-gate/guest-memory.ts';
import { type Entry, type Machine, NO_VALUE } from './machine.ts';
import { describePlatform } from './platform.ts';
import { createPorts } from './ports.ts';
import { answerSbi } from './sbi.ts';
import type { SealKind } from './seal/block-seal.ts';
import { createSerial, giveSerialInput, serialMessage, takeSerialOutput } from './serial.ts';

export interface MonitorConfig {
  /** The machine's one shared memory. */
  readonly memory: SharedArrayBuffer;
  readonly harts: number;
  readonly devices: readonly DeviceConfig[];
  /** How overlays leave the machine; `none` is the baseline that measures protection. */
  readonly seal: SealKind;
  /** To the slice. */
  readonly channel: Channel;
  /** `length` random bytes, from the machine's one outside source. */
  random(length: number): Uint8Array;
  /** Starts the thread of hart 0. */
  start(entry: Entry): void;
  /** One line for the operator. */
  log(line: string): void;
  /** Resolves in a later turn of the event loop, after at least that many milliseconds. */
  pause(milliseconds: number): Promise<void>;
}

export interface Monitor {
  /** Serves harts and slice until `stop`. Never rejects. */
  run(): Promise<void>;
  stop(): void;
}

/** Passes of the loop without a wait, after which the event loop gets its turn: messages must come in, too. */
const PASSES_MAX = 16;

/** How often waiting serial input is offered again, in milliseconds: the UART tells nobody when it is read. */
const SERIAL_RETRY_MS = 10;

/** The trusted context beside the harts: one event loop that answers exits, serves doorbells and hears the slice. */
export function createMonitor(config: MonitorConfig): Monitor {
  const board = boardOf(config.memory);
  const { channel, log } = config;
  const send: Machine['send'] = (message) => channel.send(fromMachine.encode(message));
  const memory = createGuestMemory(config.memory);
  const devices = createDevices(config.devices, config.seal, config.random);
  const ports = createPorts(consolePorts(devices), send);
  const gate: Gate = {
    memory,
    board,
    harts: config.harts,
    devices,
    send: (message) => (message.kind === 'block.request' ? send(message) : ports.send(message)),
    random: config.random,
    log,
  };
  const machine: Machine = {
    board,
    gate,
    serial: createSerial(),
    ports,
    harts: Array.from({ length: config.harts }, createHartRecord),
    launch: { entry: undefined },
    send,
    log,
  };
  let stopped = false;

  const resend = (): void => {
    send({ kind: 'block.resending' });
    gateResend(gate);
  };
  let resendWaits = false;
  /** Waits until the slice has taken what is under way: one that asks again and again makes nothing pile up. */
  const resendWhenTaken = (): void => {
    resendWaits = channel.queuedBytes > 0;
    if (!resendWaits) resend();
  };
  channel.listen({
    frame(frame) {
      const message = toMachine.decode(frame);
      if (message === undefined) log('The slice sent a malformed message; it is dropped');
      else if (message.kind === 'block.resend') resendWhenTaken();
      else hear(machine, message, config.start);
    },
    renewed: resend,
    drained() {
      if (resendWaits) resendWhenTaken();
    },
  });
  send(describePlatform(config.harts, memory.ram.length));

  return {
    async run() {
      let passes = 0;
      while (!stopped) {
        const seen = wakeCount(board);
        serve(machine);
        passes += 1;
        if (passes % PASSES_MAX === 0) await config.pause(0);
        if (machine.serial.input.length > 0)
          await Promise.race([untilWoken(board, seen), config.pause(SERIAL_RETRY_MS)]);
        else await untilWoken(board, seen);
      }
    },
    stop() {
      stopped = true;
      wakeMonitor(board);
    },
  };
}

/** One look at everything that a hart can have for the monitor. */
function serve(machine: Machine): void {
  serveDoorbells(machine.gate);
  takeSerialOutput(machine.serial, machine.board, machine.ports.send);
  giveSerialInput(machine.serial, machine.board, machine.ports.send);
  for (let hart = 0; hart < machine.harts.length; hart += 1) {
    const exit = machine.harts[hart]!.withSlice ? undefined : pendingExit(machine.board, hart);
    if (exit !== undefined) answer(machine, machine.board, hart, exit);
  }
}

function answer(machine: Machine, board: Board, hart: number, exit: Exit): void {
  switch (exit.reason) {
    case 'mmio-read':
      completeExit(board, hart, { value: gateRead(machine.gate, exit.address, exit.size) });
      break;
    case 'mmio-write':
      gateWrite(machine.gate, exit.address, exit.size, exit.value);
      completeExit(board, hart, NO_VALUE);
      break;
    case 'sbi': {
      const completion = answerSbi(machine, exit);
      if (completion !== undefined) completeExit(board, hart, completion);
      else exitToSlice(machine, hart, 'sbi', [exit.extension, exit.function, ...exit.arguments]);
      break;
    }
    case 'syscon':
      exitToSlice(machine, hart, 'syscon', [BigInt(exit.value)]);
      break;
  }
}

function exitToSlice(machine: Machine, hart: number, reason: 'sbi' | 'syscon', values: readonly bigint[]): void {
  machine.harts[hart]!.withSlice = true;
  // What the guest wrote before it called must be there first.
  takeSerialOutput(machine.serial, machine.board, machine.ports.send);
  machine.send({ kind: 'hart.exit', hart, reason, values });
}

function hear(
  machine: Machine,
  message: Exclude<ToMachine, { kind: 'block.resend' }>,
  start: (entry: Entry) => void,
): void {
  const { gate, serial, board } = machine;
  switch (message.kind) {
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
        serialMessage(serial, event);
        giveSerialInput(serial, board, machine.ports.send);
        // The loop looks at the UART again.
        wakeMonitor(board);
      }
      break;
    }
    case 'port.resize':
      gateResize(gate, message.columns, message.rows);
      break;
    default: {
      const decoded = decodeCall(machine, message);
      if (decoded.kind !== 'refused') act(machine, decoded, start);
      else {
        machine.log(`Refused ${message.kind}: ${decoded.reason}`);
        machine.send({ kind: 'launch.refused', reason: decoded.reason });
      }
    }
  }
}
