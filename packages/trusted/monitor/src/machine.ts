import type { Board } from '@cloister/hardware';
import type { FromMachine, LaunchEnd } from '@cloister/protocol';
import type { ExitCounts } from './exit-counts.ts';
import type { HartRecord } from './harts.ts';
import type { Gate } from './io-gate/device.ts';
import type { Launch } from './launch/launch.ts';
import type { PortEnd } from './port-end.ts';
import type { Ports } from './ports.ts';
import type { FrameSeal } from './seal/frame-seal.ts';
import type { Pit } from './tables/pit.ts';

/** What the monitor holds of its VM. */
export interface Machine {
  /** The one shared memory. */
  readonly memory: SharedArrayBuffer;
  readonly board: Board;
  readonly gate: Gate;
  readonly serial: PortEnd;
  readonly ports: Ports;
  readonly harts: readonly HartRecord[];
  readonly launch: Launch;
  readonly pit: Pit;
  readonly seal: FrameSeal;
  readonly budget: Budget;
  readonly counts: ExitCounts;
  /** When the slice last injected an interrupt, by device. */
  readonly injectedAt: Map<number, number>;
  /** Milliseconds, from any start. */
  now(): number;
  /** Starts the thread of hart 0. */
  start(end: LaunchEnd): void;
  send(message: FromMachine): void;
  log(line: string): void;
}

/** How the harts' time is bounded. */
interface Budget {
  /** Under which the scheduler's grants are authenticated; undefined where no scheduler is, and any budget is taken. */
  readonly key: Uint8Array | undefined;
  /** Of the last grant. */
  sequence: bigint;
}

/**
 * What became of a command that was checked against the machine: what carries it out, which cannot fail, or why it is
 * refused, in one line for people.
 */
export type Decoded = (() => void) | string;
