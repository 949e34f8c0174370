import type { FromMachine, ToMachine } from '@cloister/protocol';
import type { Exit } from '../../packages/trusted/hardware/src/board.ts';
import type { MonitorConfig } from '../../packages/trusted/monitor/src/monitor.ts';
import type { Guest } from '../../packages/trusted/monitor/src/testing/guest-driver.ts';
import type { MonitorBench } from '../../packages/trusted/monitor/src/testing/monitor-bench.ts';
import type { Kit } from './on-bench.ts';

export const RAM = 0x8000_0000;
export const FRAME = 4096;
export const FRAMES = 64;
/** From this frame on the guest's drivers have what they need. */
const DRIVER_FRAME = 32;
export const NOTHING = new Uint8Array(0);
export const END = { pc: RAM, deviceTree: RAM + FRAME, rngSeed: RAM + 2 * FRAME, firmwareInfo: 0 } as const;
export const SBI_RESET = 0x53525354n;

export type Run = Extract<ToMachine, { kind: 'hart.run' }>;
export const run = (more: Partial<Run> = {}): Run => ({
  ...{
    kind: 'hart.run',
    hart: 0,
    exit: 0,
    registers: [],
    microseconds: 1_000_000,
    sequence: 1n,
    mac: NOTHING,
    ...more,
  },
});
export const zeroFrames: ToMachine = { kind: 'frame.map', operation: 'zero', frame: 0, count: FRAMES, sealed: NOTHING };
export const frameMap = (
  operation: 'zero' | 'take' | 'restore',
  frame: number,
  sealed: Uint8Array = NOTHING,
  count = 1,
): ToMachine => ({ kind: 'frame.map', operation, frame, count, sealed });

export interface MachineOptions extends Partial<MonitorConfig> {
  /** How far an honest slice has come with it. */
  readonly until?: 'new' | 'begun' | 'launched' | 'running';
}

export interface MachineBench extends MonitorBench {
  readonly guest: Guest;
  /** The hart leaves the guest. */
  leave(exit: Exit): void;
  /** What completes its exit. */
  completion(): { readonly value: bigint; readonly error: bigint } | undefined;
  /** What the slice hears to a message. */
  tell(message: ToMachine): FromMachine[];
  frame(number: number): Uint8Array;
  /** Hart records and the board: all that the machine has beside guest RAM and frames' flags. */
  inner(): Uint8Array;
}

/** A machine whose slice is the attacker's, and whose hart is this thread. */
export function openMachine(kit: Kit, { until = 'running', ...config }: MachineOptions = {}): MachineBench {
  const bench = kit.monitorBench(kit.sharedMemory(FRAMES * FRAME), { random: randomBytes, ...config });
  const { hardware } = kit;
  const honest: readonly (readonly [MachineOptions['until'], readonly ToMachine[]])[] = [
    ['begun', [{ kind: 'launch.start' }, zeroFrames, { kind: 'hart.init', hart: 0 }]],
    ['launched', [{ kind: 'launch.finish', ...END }]],
    ['running', [run()]],
  ];
  const steps = until === 'new' ? 0 : honest.findIndex(([phase]) => phase === until) + 1;
  for (const [, messages] of honest.slice(0, steps)) for (const message of messages) bench.say(message);
  bench.take();
  const leave = (exit: Exit): void => {
    hardware.postExit(bench.board, 0, exit);
    bench.monitor.look();
  };
  const access = (exit: Exit): bigint => {
    leave(exit);
    return hardware.takeCompletion(bench.board, 0)?.value ?? 0n;
  };
  const guest = kit.driver.createGuest(bench.memory, {
    read: (address, size) => access({ reason: 'mmio-read', address, size }),
    write: (address, size, value) => void access({ reason: 'mmio-write', address, size, value }),
    ring: (device, queue) => hardware.ringDoorbell(bench.board, device, queue),
  });
  guest.free = RAM + DRIVER_FRAME * FRAME;
  return {
    ...bench,
    guest,
    leave,
    completion: () => hardware.takeCompletion(bench.board, 0),
    tell(message) {
      bench.say(message);
      return bench.take();
    },
    frame: (number) => bench.ram.subarray(number * FRAME, (number + 1) * FRAME),
    inner: () => new Uint8Array(bench.memory).slice(0x1_0000, 0x58_0000),
  };
}

export const randomBytes = (length: number): Uint8Array => crypto.getRandomValues(new Uint8Array(length));

/** An exit of each reason towards the slice, with a secret wherever the guest has one. */
export const EXITS: readonly Exit[] = [
  { reason: 'sbi', extension: SBI_RESET, function: 0n, arguments: [7n, 8n, 0x5ec1n, 0x5ec2n, 0x5ec3n, 0x5ec4n] },
  { reason: 'syscon', value: 0x1234 },
  { reason: 'budget' },
  { reason: 'frame-fault', address: RAM + 5 * FRAME },
];
