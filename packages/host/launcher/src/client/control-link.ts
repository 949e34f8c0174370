import {
  BUDGETS,
  type Channel,
  type FromSlice,
  fromSlice,
  type RateClock,
  SERIAL_PORT,
  type ToSlice,
  throttle,
  toSlice,
} from '@cloister/protocol';
import { createHostPort, type HostPort } from './host-port.ts';
import { LaunchError } from './launch-error.ts';
import type { MachineEnd, Port } from './virtual-machine.ts';

/** The client's side of its conversation with a slice, whichever process that is at the moment. */
export interface ControlLink {
  readonly serial: Port;
  readonly console: Port;
  readonly named: ReadonlyMap<string, Port>;
  /** Resolves once the guest runs, or with why nothing was started. */
  readonly booted: Promise<LaunchError | undefined>;
  /** Resolves when the slice says that the run is over, or that the link is closed for good. */
  readonly ended: Promise<MachineEnd>;
  resize(columns: number, rows: number): void;
  /** Nothing will come any more. */
  abandon(end: MachineEnd): void;
}

const hostClock: RateClock = {
  now: () => performance.now(),
  pause: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds)),
};

/** @param boot what a slice whose machine has booted nothing is to boot */
export function openControlLink(
  channel: Channel,
  names: readonly string[],
  boot: Extract<ToSlice, { kind: 'boot.start' }>,
  clock: RateClock = hostClock,
): ControlLink {
  const heldToBudget = throttle(BUDGETS.sliceToClient, clock);
  const send = (message: ToSlice): void => channel.send(toSlice.encode(message));
  const ports = new Map<number, HostPort>();
  const portAt = (number: number): Port => {
    const made = createHostPort(number, send);
    ports.set(number, made);
    return made.port;
  };
  const serial = portAt(SERIAL_PORT);
  const console = portAt(0);
  const named = new Map(names.map((name, index) => [name, portAt(index + 1)] as const));
  let size: Extract<ToSlice, { kind: 'port.resize' }> | undefined;
  let settle: (end: MachineEnd) => void = () => undefined;
  let settleBoot: (refused: LaunchError | undefined) => void = () => undefined;
  const ended = new Promise<MachineEnd>((resolve) => {
    settle = resolve;
  });
  const booted = new Promise<LaunchError | undefined>((resolve) => {
    settleBoot = resolve;
  });
  const abandon = (end: MachineEnd): void => {
    settleBoot(new LaunchError('failed', end.kind === 'failed' ? end.reason : 'It was stopped'));
    settle(end);
    for (const port of ports.values()) port.abandon();
  };

  /** A message of the slice, which may say anything: at worst its own VM ends. */
  const hear = (message: FromSlice): void => {
    switch (message.kind) {
      case 'boot.done':
        settleBoot(undefined);
        break;
      case 'boot.refused':
        settleBoot(new LaunchError('refused', message.reason));
        break;
      case 'run.end':
        settle(message.end === 'failed' ? { kind: 'failed', reason: message.reason } : { kind: message.end });
        break;
      default:
        ports.get(message.port)?.hear(message);
    }
  };
  channel.listen({
    frame(frame) {
      const message = fromSlice.decode(frame);
      if (message !== undefined) hear(message);
      return heldToBudget(frame.length);
    },
    renewed() {
      send(boot);
      for (const port of ports.values()) port.resend();
      if (size !== undefined) send(size);
    },
    closed: (reason) => abandon({ kind: 'failed', reason }),
  });
  send(boot);
  return {
    serial,
    console,
    named,
    booted,
    ended,
    abandon,
    resize(columns, rows) {
      size = { kind: 'port.resize', columns, rows };
      send(size);
    },
  };
}
