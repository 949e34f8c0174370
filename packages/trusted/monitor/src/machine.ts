import type { Board, Completion } from '@cloister/hardware';
import type { FromMachine } from '@cloister/protocol';
import type { Gate } from './io-gate/device.ts';
import type { Ports } from './ports.ts';
import type { Serial } from './serial.ts';

/** Where hart 0 starts, as guest physical addresses: the kernel's first instruction and the device tree. */
export interface Entry {
  readonly pc: number;
  readonly deviceTree: number;
  /** Where firmware finds out what to start after it; 0: `pc` is the kernel itself. */
  readonly firmwareInfo: number;
}

/** What the monitor holds of its VM. */
export interface Machine {
  readonly board: Board;
  readonly gate: Gate;
  readonly serial: Serial;
  readonly ports: Ports;
  readonly harts: readonly HartRecord[];
  readonly launch: Launch;
  send(message: FromMachine): void;
  log(line: string): void;
}

export interface HartRecord {
  /** Its thread was asked to start. */
  started: boolean;
  /** The exit that it waits with is the slice's to complete. */
  withSlice: boolean;
  /** What the slice has written to complete it; `hart.run` lets the hart see it. */
  completion: Completion;
}

export interface Launch {
  /** Set once, by `launch.finish`. */
  entry: Entry | undefined;
}

export const NO_VALUE: Completion = { value: 0n };
