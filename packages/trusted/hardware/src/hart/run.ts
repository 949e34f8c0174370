import {
  ATTENTION,
  budgetLeft,
  publishRetired,
  spendBudget,
  stopRequested,
  takeAttention,
  waitForAttention,
} from '../board.ts';
import { leaveGuest } from '../device/bus.ts';
import { updateUart } from '../device/uart.ts';
import { HART } from '../layout.ts';
import { TIMEBASE_HZ } from '../memory-map.ts';
import { flushAll } from '../mmu/tlb.ts';
import { csrInstruction, illegal } from './csr.ts';
import { decodeHere, fetchMiss, straddle } from './fetch.ts';
import type { Hart } from './hart.ts';
import { interpreterBytes } from './interpreter-bytes.ts';
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
  const bytes = interpreterBytes(hart.state.index);
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

const TICKS_PER_MICROSECOND = TIMEBASE_HZ / 1_000_000;

/**
 * The hart's life: until it is stopped, or has retired `limit` instructions (exactly that many). Between slices it looks
 * at interrupts, time and its budget; in a WFI, which costs none, it sleeps until the next timer or until its attention is
 * raised. The exits that leave the instruction at pc to run again are posted from here.
 */
export function runHart(hart: Hart, interpreter: Interpreter, limit = Number.POSITIVE_INFINITY): void {
  while (!hart.ended && !stopRequested(hart.board) && hart.retired < limit) {
    const attention = takeAttention(hart.board, hart.state.index);
    if ((attention & ATTENTION.interrupt) !== 0) updateUart(hart.board);
    if ((attention & ATTENTION.fence) !== 0) flushAll(hart.state);
    if (hart.waiting) {
      if (!wakeable(hart)) {
        sleep(hart);
        continue;
      }
      hart.waiting = false;
    }
    if (hart.metered && budgetLeft(hart.board, hart.state.index) === 0) {
      leaveGuest(hart.bus, { reason: 'budget' });
      continue;
    }
    // After the budget's exit: whoever answers this one need not know of budgets.
    if (hart.absent >= 0) {
      const address = hart.absent * 4096;
      hart.absent = -1;
      leaveGuest(hart.bus, { reason: 'frame-fault', address });
      continue;
    }
    takeInterrupt(hart);
    const count = Math.min(SLICE, limit - hart.retired);
    const from = hart.metered ? hart.outside.ticks() - hart.bus.waited : 0;
    // The fast form may overshoot by a page or two of straight-line code.
    runInstructions(hart, interpreter, count, limit - hart.retired < SLICE + 8192);
    if (hart.metered) account(hart, hart.outside.ticks() - hart.bus.waited - from);
  }
}

/** After a slice: takes the ticks that it ran from the budget, and says how many instructions were retired. */
function account(hart: Hart, ticks: number): void {
  const unbilled = hart.unbilled + ticks;
  const microseconds = Math.floor(unbilled / TICKS_PER_MICROSECOND);
  hart.unbilled = unbilled - microseconds * TICKS_PER_MICROSECOND;
  spendBudget(hart.board, hart.state.index, microseconds);
  publishRetired(hart.board, hart.state.index, hart.retired);
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
