import { setFlagsFromString } from 'node:v8';
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

/** What it says: once when it has run for a second or so, and once when it ends. */
export type HartMessage =
  | { readonly kind: 'warm' }
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

/** Instructions after which the engine has compiled what runs often: about a second of a kernel's boot. */
const WARM = 100_000_000;

/**
 * What the thread's start left: 2 MiB of 9, most of it bytecode of Node that never runs again, for 10 to 20 ms (measured).
 * The options are the process's, so they hold no longer than that.
 */
function giveBack(): void {
  if (typeof gc === 'undefined') return;
  const options = ['stress-flush-code', 'compact-on-every-full-gc'];
  for (const option of options) setFlagsFromString(`--${option}`);
  gc();
  for (const option of options) setFlagsFromString(`--no-${option}`);
}

const say = (message: HartMessage): void => parentPort!.postMessage(message);

function life(entry: Entry): HartMessage {
  enterBoot(hart, entry);
  runHart(hart, interpreter, WARM);
  if (hart.retired >= WARM) {
    giveBack();
    say({ kind: 'warm' });
  }
  runHart(hart, interpreter);
  return { kind: 'stopped', retired: hart.retired };
}

parentPort!.once('message', (entry) => {
  let end: HartMessage;
  try {
    end = life(entry as Entry);
  } catch (error) {
    end = { kind: 'failed', message: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
  say(end);
});
