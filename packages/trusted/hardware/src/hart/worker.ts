import { parentPort, workerData } from 'node:worker_threads';
import { boardOf } from '../board.ts';
import { createBus } from '../device/bus.ts';
import { hostOutside } from '../outside.ts';
import { type Entry, enterBoot } from './boot.ts';
import { createHart } from './hart.ts';
import { instantiateInterpreter, runHart } from './run.ts';

/** What a hart's thread is made with. The one message that it then hears is its `Entry`, where it begins. */
export interface HartStart {
  readonly memory: WebAssembly.Memory;
  readonly hart: number;
  readonly ramBytes: number;
}

/** What it says, once, when it ends. */
export type HartStopped =
  | { readonly kind: 'stopped'; readonly retired: number }
  | { readonly kind: 'failed'; readonly message: string };

const { memory, hart: index, ramBytes } = workerData as HartStart;
const board = boardOf(memory.buffer);
const outside = hostOutside();
const hart = createHart({
  memory: memory.buffer,
  index,
  ramBytes,
  board,
  bus: createBus(board, outside, index),
  outside,
  metered: true,
});
const interpreter = instantiateInterpreter(hart, memory);

function life(entry: Entry): HartStopped {
  enterBoot(hart, entry);
  runHart(hart, interpreter);
  return { kind: 'stopped', retired: hart.retired };
}

parentPort!.once('message', (entry) => {
  let end: HartStopped;
  try {
    end = life(entry as Entry);
  } catch (error) {
    end = { kind: 'failed', message: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
  parentPort!.postMessage(end);
});
