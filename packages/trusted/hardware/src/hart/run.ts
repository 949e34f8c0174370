import { ATTENTION, stopRequested, takeAttention, waitForAttention } from '../board.ts';
import { updateUart } from '../device/uart.ts';
import { HART, memoryPages } from '../layout.ts';
import { TIMEBASE_HZ } from '../memory-map.ts';
import { csrInstruction, illegal } from './csr.ts';
import { emitInterpreter } from './emit-interpreter.ts';
import { decodeHere, fetchMiss, straddle } from './fetch.ts';
import type { Hart } from './hart.ts';
import { nextTimer, takeInterrupt, wakeable } from './interrupts.ts';
import { atomicSlow, loadSlow, storeSlow } from './memory-access.ts';
import type { SlowPath } from './slow-path.ts';
import { setWord, word } from './state.ts';
import { systemInstruction } from './system.ts';

/** Timers at or past this many ticks are off. */
const NEVER = 2 ** 63;

/** The emitted interpreter, ready to call. */
export interface Interpreter {
  run(): void;
  runExact(): void;
}

/**
 * Instructions between two looks at interrupts and time. Short enough that a timer is at most about 0.1 ms late, and
 * that the engine's optimized code takes over soon (it never replaces a running call).
 */
const SLICE = 30_000;

export function instantiateInterpreter(hart: Hart, memory: WebAssembly.Memory): Interpreter {
  const slow: SlowPath = {
    decode: () => decodeHere(hart),
    straddle: () => straddle(hart),
    fetchMiss: () => fetchMiss(hart),
    loadSlow: (low, high, bytes) => loadSlow(hart, low, high, bytes),
    storeSlow: (low, high, bytes) => storeSlow(hart, low, high, bytes),
    atomicSlow: (low, high, bytes, write) => atomicSlow(hart, low, high, bytes, write),
    illegal: () => illegal(hart),
    csr: (write, immediate) => csrInstruction(hart, write, immediate),
    system: (index) => systemInstruction(hart, index),
  };
  const bytes = emitInterpreter(hart.state.index, memoryPages(hart.ramBytes));
  const instance = new WebAssembly.Instance(new WebAssembly.Module(bytes), {
    machine: { memory },
    hart: slow as unknown as Record<string, unknown>,
  });
  return instance.exports as unknown as Interpreter;
}

/** Runs at most `count` instructions, and with `exact` never one more, taking no interrupts meanwhile. */
export function runInstructions(hart: Hart, interpreter: Interpreter, count: number, exact: boolean): void {
  const { state } = hart;
  setWord(state, HART.leave, 0);
  setWord(state, HART.remaining, count);
  hart.allowed = count;
  if (exact) interpreter.runExact();
  else interpreter.run();
  hart.retired += count - word(state, HART.remaining);
  hart.allowed = 0;
  setWord(state, HART.remaining, 0);
}

/**
 * The hart's life: until it is stopped, or has retired `limit` instructions (exactly that many). Between slices it looks
 * at interrupts and time; in a WFI it sleeps until the next timer or until its attention is raised.
 */
export function runHart(hart: Hart, interpreter: Interpreter, limit = Number.POSITIVE_INFINITY): void {
  while (!hart.ended && !stopRequested(hart.board) && hart.retired < limit) {
    const attention = takeAttention(hart.board, hart.state.index);
    if ((attention & ATTENTION.interrupt) !== 0) updateUart(hart.board);
    if (hart.waiting) {
      if (!wakeable(hart)) {
        sleep(hart);
        continue;
      }
      hart.waiting = false;
    }
    takeInterrupt(hart);
    const count = Math.min(SLICE, limit - hart.retired);
    // The fast form may overshoot by a page or two of straight-line code.
    runInstructions(hart, interpreter, count, limit - hart.retired < SLICE + 8192);
  }
}

/** A hart in WFI: until the next timer, or attention. Where time stands still, and no timer is set, nothing can wake it. */
function sleep(hart: Hart): void {
  const { outside, board, state } = hart;
  const timer = nextTimer(hart);
  if (outside.skipTo === undefined) {
    const milliseconds = (timer - outside.ticks()) / (TIMEBASE_HZ / 1000);
    waitForAttention(board, state.index, Math.min(Math.max(milliseconds, 0), 1000));
  } else if (timer < NEVER) outside.skipTo(timer);
  else hart.ended = true;
}
