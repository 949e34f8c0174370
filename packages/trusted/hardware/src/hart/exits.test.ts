import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { build } from 'esbuild';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  ATTENTION,
  addBudget,
  type Board,
  boardOf,
  budgetLeft,
  completeExit,
  type Exit,
  pendingExit,
  raiseAttention,
  retiredOf,
  spendBudget,
  stopHarts,
  untilWoken,
  wakeCount,
} from '../board.ts';
import { assembleAll } from '../isa/assemble.ts';
import { memoryPages, RAM_OFFSET } from '../layout.ts';
import { FRAME, frameFlags } from '../mmu/frame.ts';
import { flushHart } from '../mmu/tlb.ts';
import type { Line } from './testing/assembled-machine.ts';

const folder = mkdtempSync(join(tmpdir(), 'hart-exits-'));
const bundle = join(folder, 'hart.mjs');
beforeAll(async () => {
  const entry = fileURLToPath(new URL('worker.ts', import.meta.url));
  await build({
    entryPoints: [entry],
    outfile: bundle,
    bundle: true,
    format: 'esm',
    platform: 'node',
    conditions: ['source'],
  });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const RAM = 0x8000_0000;
const RAM_BYTES = 1 << 20;

/** A hart in a thread of its own, in M-mode at the start of RAM; the test has the monitor's side of the board. */
async function withHart(
  lines: readonly Line[],
  budget: number,
  use: (board: Board, memory: SharedArrayBuffer, nextExit: () => Promise<Exit>) => Promise<void>,
): Promise<void> {
  const pages = memoryPages(RAM_BYTES);
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
  const board = boardOf(memory.buffer);
  new Uint8Array(memory.buffer, RAM_OFFSET).set(assembleAll(lines));
  addBudget(board, 0, budget);
  const worker = new Worker(bundle, {
    workerData: { memory, hart: 0, ramBytes: RAM_BYTES },
  });
  worker.postMessage({ pc: RAM, a0: 0, a1: 0, a2: 0, firmware: true });
  const ended = new Promise((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
  });
  const nextExit = async (): Promise<Exit> => {
    for (;;) {
      const seen = wakeCount(board);
      const exit = pendingExit(board, 0);
      if (exit !== undefined) return exit;
      await untilWoken(board, seen);
    }
  };
  try {
    await use(board, memory.buffer, nextExit);
  } finally {
    stopHarts(board, 1);
    expect(await ended).toMatchObject({ kind: 'stopped' });
    await worker.terminate();
  }
}

test('a hart leaves when its budget is used up, says what it retired, and goes on with the next', async () => {
  await withHart([['jal', { rd: 0, immediate: 0 }]], 3000, async (board, _memory, nextExit) => {
    let retired = 0n;
    for (let round = 0; round < 3; round += 1) {
      expect(await nextExit()).toEqual({ reason: 'budget' });
      expect(budgetLeft(board, 0)).toBe(0);
      expect(retiredOf(board, 0)).toBeGreaterThan(retired);
      retired = retiredOf(board, 0);
      addBudget(board, 0, 1000);
      completeExit(board, 0, { value: 0n });
    }
  });
});

test('a hart that waits for an interrupt uses up no budget', async () => {
  await withHart([['wfi'], ['jal', { rd: 0, immediate: -4 }]], 10_000_000, async (board) => {
    while (retiredOf(board, 0) === 0n) await new Promise((resolve) => setTimeout(resolve, 5));
    const left = budgetLeft(board, 0);
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(budgetLeft(board, 0)).toBe(left);
  });
});

test('a frame that is taken while the hart waits is missed by it at once', async () => {
  const lines: Line[] = [
    // x6 = RAM + 64 KiB: load it for ever.
    ['auipc', { rd: 6, immediate: 0x1_0000 }],
    ['ld', { rd: 7, rs1: 6, immediate: 0 }],
    ['jal', { rd: 0, immediate: -4 }],
  ];
  await withHart(lines, 2000, async (board, memory, nextExit) => {
    const flags = frameFlags(memory);
    expect(await nextExit()).toEqual({ reason: 'budget' });
    Atomics.or(flags, 16, FRAME.absent);
    flushHart(memory, 0);
    addBudget(board, 0, 10_000_000);
    completeExit(board, 0, { value: 0n });
    expect(await nextExit()).toEqual({ reason: 'frame-fault', address: RAM + 0x1_0000 });
    Atomics.and(flags, 16, ~FRAME.absent);
    completeExit(board, 0, { value: 0n });
    // And by a fence under way.
    Atomics.or(flags, 16, FRAME.absent);
    raiseAttention(board, 0, ATTENTION.fence);
    expect(await nextExit()).toMatchObject({ reason: 'frame-fault' });
  });
});

test('a hart whose budget ends where a frame is absent says the one before the other', async () => {
  const lines: Line[] = [
    // x6 = RAM + 64 KiB, and a page further with each load.
    ['auipc', { rd: 6, immediate: 0x1_0000 }],
    ['auipc', { rd: 8, immediate: 0x1000 }],
    ['auipc', { rd: 9, immediate: 0 }],
    ['sub', { rd: 8, rs1: 8, rs2: 9 }],
    ['addi', { rd: 8, rs1: 8, immediate: 4 }],
    ['ld', { rd: 7, rs1: 6, immediate: 0 }],
    ['add', { rd: 6, rs1: 6, rs2: 8 }],
    ['jal', { rd: 0, immediate: -8 }],
  ];
  await withHart(lines, 1_000_000, async (board, memory, nextExit) => {
    const flags = frameFlags(memory);
    flags.fill(FRAME.absent, 16, 256);
    for (let frame = 16; frame < 32; frame += 1) {
      const exit = await nextExit();
      expect(exit).toEqual({ reason: 'frame-fault', address: RAM + 4096 * frame });
      expect(budgetLeft(board, 0)).toBeGreaterThan(0);
      // What is left ends with the next look.
      spendBudget(board, 0, budgetLeft(board, 0) - 1);
      Atomics.and(flags, frame, ~FRAME.absent);
      completeExit(board, 0, { value: 0n });
      const next = await nextExit();
      if (next.reason !== 'budget') continue;
      addBudget(board, 0, 1_000_000);
      completeExit(board, 0, { value: 0n });
    }
  });
});
