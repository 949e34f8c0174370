import { parentPort, workerData } from 'node:worker_threads';
import { boardOf } from '../board.ts';
import { createBus } from '../device/bus.ts';
import { hostOutside } from '../outside.ts';
import { type Entry, enterBoot } from './boot.ts';
import { createHart } from './hart.ts';
import { instantiateInterpreter, runHart } from './run.ts';

/** What a hart's thread is started with. */
export interface HartStart {
  readonly memory: WebAssembly.Memory;
  readonly hart: number;
  readonly ramBytes: number;
  readonly entry: Entry;
  /** The entry is firmware in M-mode; else the machine answers SBI calls itself. */
  readonly firmware: boolean;
}

/** What it says, once, when it ends. */
export type HartStopped =
  | { readonly kind: 'stopped'; readonly retired: number }
  | { readonly kind: 'failed'; readonly message: string };

function life(start: HartStart): HartStopped {
  const board = boardOf(start.memory.buffer);
  const outside = hostOutside();
  const hart = createHart({
    memory: start.memory.buffer,
    index: start.hart,
    ramBytes: start.ramBytes,
    board,
    bus: createBus(board, outside, start.hart),
    outside,
    builtInSbi: !start.firmware,
    metered: true,
  });
  enterBoot(hart, start.entry);
  runHart(hart, instantiateInterpreter(hart, start.memory));
  return { kind: 'stopped', retired: hart.retired };
}

let end: HartStopped;
try {
  end = life(workerData as HartStart);
} catch (error) {
  end = { kind: 'failed', message: error instanceof Error ? (error.stack ?? error.message) : String(error) };
}
parentPort!.postMessage(end);
