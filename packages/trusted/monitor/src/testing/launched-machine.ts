import { type Exit, postExit } from '@cloister/hardware';
import { type ExitReason, MEMORY_MAP, type ToMachine } from '@cloister/protocol';
import { type MonitorBench, monitorBench, sharedMemory } from './monitor-bench.ts';

export const RAM_BYTES = 1 << 20;
export const FRAMES = RAM_BYTES / 4096;
export const RAM = MEMORY_MAP.ram.base;
export const NOTHING = new Uint8Array(0);

export const bench = (more: Parameters<typeof monitorBench>[1] = {}): MonitorBench =>
  monitorBench(sharedMemory(RAM_BYTES), more);

export const begin: ToMachine = { kind: 'launch.start' };
export const allFrames: ToMachine = { kind: 'frame.map', operation: 'zero', frame: 0, count: FRAMES, sealed: NOTHING };
export const hart: ToMachine = { kind: 'hart.init', hart: 0 };
export const end = { pc: RAM as number, deviceTree: RAM + 64, rngSeed: RAM + 128, firmwareInfo: 0 };
export const finish: ToMachine = { kind: 'launch.finish', ...end };
export const run = (exit: number, more: object = {}): ToMachine => ({
  kind: 'hart.run',
  hart: 0,
  exit,
  registers: [],
  microseconds: 1000,
  sequence: 0n,
  mac: NOTHING,
  ...more,
});
export const map = (
  operation: 'zero' | 'take' | 'restore',
  frame: number,
  sealed: Uint8Array = NOTHING,
): ToMachine => ({
  kind: 'frame.map',
  operation,
  frame,
  count: 1,
  sealed,
});

export const LAUNCH = [begin, allFrames, hart, finish];

export function launched(more: Parameters<typeof monitorBench>[1] = {}): MonitorBench {
  const b = bench(more);
  LAUNCH.forEach(b.say);
  return b;
}

export function running(more: Parameters<typeof monitorBench>[1] = {}): MonitorBench {
  const b = launched(more);
  b.say(run(0));
  b.take();
  return b;
}

/** What the machine says to a slice that takes the place of another. */
export function phaseOf(b: MonitorBench): string | undefined {
  const platform = b.heard.findLast(({ kind }) => kind === 'platform');
  return platform?.kind === 'platform' ? platform.phase : undefined;
}

export const EXITS: Readonly<Record<ExitReason, Exit & { readonly reason: ExitReason }>> = {
  sbi: { reason: 'sbi', extension: 0x53525354n, function: 0n, arguments: [3n, 4n, 5n, 6n, 7n, 8n] },
  syscon: { reason: 'syscon', value: 0x1234 },
  budget: { reason: 'budget' },
  'frame-fault': { reason: 'frame-fault', address: RAM + 4096 },
};

export function exited(reason: ExitReason): MonitorBench {
  const b = running();
  postExit(b.board, 0, EXITS[reason]);
  b.monitor.look();
  b.take();
  return b;
}
