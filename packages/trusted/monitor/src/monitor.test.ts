import { createHash, createHmac } from 'node:crypto';
import {
  budgetLeft,
  type Exit,
  postExit,
  publishRetired,
  spendBudget,
  takeAttention,
  takeCompletion,
} from '@cloister/hardware';
import {
  describePlatform,
  EMPTY_LAUNCH_DIGEST,
  EXIT_REASONS,
  type ExitReason,
  exitMask,
  extendLaunchDigest,
  grantBytes,
  INJECTION_INTERVAL_MS,
  MEMORY_MAP,
  REGISTERS,
  type ToMachine,
} from '@cloister/protocol';
import { describe, expect, test } from 'vitest';
import { createGuest, findDevice, startDevice } from './testing/guest-driver.ts';
import { type MonitorBench, monitorBench, sharedMemory } from './testing/monitor-bench.ts';

const RAM_BYTES = 1 << 20;
const FRAMES = RAM_BYTES / 4096;
const RAM = MEMORY_MAP.ram.base;
const NOTHING = new Uint8Array(0);

const bench = (more: Parameters<typeof monitorBench>[1] = {}): MonitorBench =>
  monitorBench(sharedMemory(RAM_BYTES), more);

const begin: ToMachine = { kind: 'launch.start' };
const allFrames: ToMachine = { kind: 'frame.map', operation: 'zero', frame: 0, count: FRAMES, sealed: NOTHING };
const hart: ToMachine = { kind: 'hart.init', hart: 0 };
const end = { pc: RAM as number, deviceTree: RAM + 64, rngSeed: RAM + 128, firmwareInfo: 0 };
const finish: ToMachine = { kind: 'launch.finish', ...end };
const run = (exit: number, more: object = {}): ToMachine => ({
  kind: 'hart.run',
  hart: 0,
  exit,
  registers: [],
  microseconds: 1000,
  sequence: 0n,
  mac: NOTHING,
  ...more,
});
const map = (operation: 'zero' | 'take' | 'restore', frame: number, sealed: Uint8Array = NOTHING): ToMachine => ({
  kind: 'frame.map',
  operation,
  frame,
  count: 1,
  sealed,
});

const LAUNCH = [begin, allFrames, hart, finish];

function launched(more: Parameters<typeof monitorBench>[1] = {}): MonitorBench {
  const b = bench(more);
  LAUNCH.forEach(b.say);
  return b;
}

function running(more: Parameters<typeof monitorBench>[1] = {}): MonitorBench {
  const b = launched(more);
  b.say(run(0));
  b.take();
  return b;
}

/** What the machine says to a slice that takes the place of another. */
function phaseOf(b: MonitorBench): string | undefined {
  const platform = b.heard.findLast(({ kind }) => kind === 'platform');
  return platform?.kind === 'platform' ? platform.phase : undefined;
}

const EXITS: Readonly<Record<ExitReason, Exit & { readonly reason: ExitReason }>> = {
  sbi: { reason: 'sbi', extension: 0x53525354n, function: 0n, arguments: [3n, 4n, 5n, 6n, 7n, 8n] },
  syscon: { reason: 'syscon', value: 0x1234 },
  budget: { reason: 'budget' },
  'frame-fault': { reason: 'frame-fault', address: RAM + 4096 },
};

function exited(reason: ExitReason): MonitorBench {
  const b = running();
  postExit(b.board, 0, EXITS[reason]);
  b.monitor.look();
  b.take();
  return b;
}

test('a launch places, seeds, starts once and is over', () => {
  const b = bench();
  [
    begin,
    allFrames,
    { kind: 'launch.update', address: RAM + 8, bytes: Uint8Array.of(1, 2, 3) } as const,
    hart,
    finish,
  ].forEach(b.say);
  expect(b.ram.slice(7, 12)).toEqual(Uint8Array.of(0, 1, 2, 3, 0));
  expect(b.ram.slice(127, 161)).toEqual(Uint8Array.of(0, ...new Uint8Array(32).fill(0xa5), 0));
  b.say(run(0));
  expect(b.started).toEqual([end]);
  expect(b.heard.map(({ kind }) => kind)).toEqual(['platform', 'frame.mapped', 'launch.finished']);
  expect(b.heard[0]).toEqual({ kind: 'platform', phase: 'launching', ...describePlatform(1, RAM_BYTES) });
  expect(b.logged).toEqual([]);
});

describe('the launch', () => {
  const update: ToMachine = { kind: 'launch.update', address: RAM + 8, bytes: Uint8Array.of(1, 2, 3) };
  const sha256 = (bytes: Uint8Array): Uint8Array => createHash('sha256').update(bytes).digest();
  const digestOf = (bytes: Uint8Array, address = RAM + 8): Uint8Array => {
    const placed = extendLaunchDigest(sha256, EMPTY_LAUNCH_DIGEST, { kind: 'update', address, bytes });
    return extendLaunchDigest(sha256, placed, { kind: 'finish', ...end });
  };
  const expectedDigest = digestOf(Uint8Array.of(1, 2, 3));

  test('runs what the owner expects, and says so', () => {
    const b = bench({ expectedDigest });
    [begin, allFrames, update, hart, finish, { kind: 'launch.measure' } as const, run(0)].forEach(b.say);
    expect(b.heard.at(-1)).toEqual({ kind: 'launch.measured', digest: new Uint8Array(expectedDigest), finished: true });
    expect(b.started).toHaveLength(1);
  });

  test.each<[string, ToMachine[]]>([
    ['another byte', [{ ...update, bytes: Uint8Array.of(1, 2, 4) } as ToMachine]],
    ['another address', [{ ...update, address: RAM + 9 } as ToMachine]],
    [
      'the same in two pieces',
      [
        { ...update, bytes: Uint8Array.of(1, 2) },
        { ...update, address: RAM + 10, bytes: Uint8Array.of(3) },
      ] as ToMachine[],
    ],
    ['something more', [update, { ...update, address: RAM + 4096 } as ToMachine]],
    ['nothing', []],
  ])('refuses %s, in one line, and the guest never runs', (_name, updates) => {
    const b = bench({ expectedDigest });
    [begin, allFrames, ...updates, hart, finish, run(0)].forEach(b.say);
    expect(b.logged[0]).toMatch(
      /^Refused launch.finish: What was launched \(digest [0-9a-f]{64}\) is not what the owner expects$/,
    );
    expect(b.started).toEqual([]);
    expect(b.heard.at(-1)).toMatchObject({
      kind: 'call.refused',
      call: 'hart.run',
      reason: 'The launch is not finished',
    });
  });

  test.each<[string, Partial<typeof end>]>([
    ['entry', { pc: RAM + 4 }],
    ['device tree', { deviceTree: RAM + 72 }],
    ['seed', { rngSeed: 0 }],
    ['firmware', { firmwareInfo: RAM + 4096 }],
  ])('refuses another %s', (_name, other) => {
    const b = bench({ expectedDigest });
    [begin, allFrames, update, hart, { ...finish, ...other } as ToMachine].forEach(b.say);
    expect(b.heard.at(-1)).toMatchObject({ kind: 'launch.refused' });
  });

  test('begins anew for a slice that takes the place of one that died during it', () => {
    const b = bench({ expectedDigest });
    const half: ToMachine = { kind: 'launch.update', address: RAM + 8192, bytes: new Uint8Array(5000).fill(7) };
    [begin, allFrames, half, hart].forEach(b.say);
    b.renew();
    expect(phaseOf(b)).toBe('launching');
    [begin, allFrames, update, hart, finish].forEach(b.say);
    expect(b.heard.at(-1)).toEqual({ kind: 'launch.finished' });
    expect(b.ram.slice(8192, 16384).every((byte) => byte === 0)).toBe(true);
  });
});

test.each<[string, ToMachine[], RegExp]>([
  ['an update before the launch', [{ kind: 'launch.update', address: RAM, bytes: new Uint8Array(2) }], /not begun/],
  [
    'an update of a frame that the VM does not have',
    [begin, { kind: 'launch.update', address: RAM, bytes: new Uint8Array(2) }],
    /outside/,
  ],
  [
    'an update outside RAM',
    [begin, allFrames, { kind: 'launch.update', address: RAM - 1, bytes: new Uint8Array(2) }],
    /outside/,
  ],
  [
    'an update across the end of RAM',
    [begin, allFrames, { kind: 'launch.update', address: RAM + RAM_BYTES - 1, bytes: new Uint8Array(2) }],
    /outside/,
  ],
  [
    'an update after the launch',
    [...LAUNCH, { kind: 'launch.update', address: RAM, bytes: new Uint8Array(1) }],
    /finished/,
  ],
  ['a second finish', [...LAUNCH, finish], /finished/],
  ['a start after the finish', [...LAUNCH, begin], /finished/],
  ['a launch without a hart', [begin, allFrames, finish], /no hart/],
  ['an odd entry', [begin, allFrames, hart, { ...finish, pc: RAM + 2 } as ToMachine], /entry/],
  ['a seed outside RAM', [begin, allFrames, hart, { ...finish, rngSeed: RAM + RAM_BYTES - 8 } as ToMachine], /seed/],
  [
    'a device tree outside RAM',
    [begin, allFrames, hart, { ...finish, deviceTree: RAM + RAM_BYTES } as ToMachine],
    /tree/,
  ],
  ['firmware outside RAM', [begin, allFrames, hart, { ...finish, firmwareInfo: 1 } as ToMachine], /firmware/],
  ['a hart before the launch', [hart], /while the VM is launched/],
  ['a hart twice', [begin, hart, hart], /exists/],
  ['a new hart after the launch', [...LAUNCH, hart], /while the VM is launched/],
  ['a run before the launch', [begin, hart, run(0)], /not finished/],
  ['a run of a hart that was not created', [begin, run(0)], /not created/],
  ['a hart that does not exist', [...LAUNCH, run(0, { hart: 1 })], /no hart 1/],
  ['a first run as a reply', [...LAUNCH, run(1)], /no reply/],
  ['a first run with registers', [...LAUNCH, run(0, { registers: [1n, 2n] })], /registers/],
  ['a run without a budget', [...LAUNCH, run(0, { microseconds: 0 })], /no budget/],
  ['a run of a hart that runs', [...LAUNCH, run(0), run(0)], /runs/],
  [
    'a read of a hart that runs',
    [...LAUNCH, run(0), { kind: 'state.read', hart: 0, exit: 0, register: 'a0' }],
    /no reply/,
  ],
  [
    'a write before an exit',
    [...LAUNCH, { kind: 'state.write', hart: 0, exit: 0, register: 'a0', value: 0n }],
    /no reply/,
  ],
  ['a fence of a hart that does not exist', [{ kind: 'fence.vma', hart: 7 }], /no hart 7/],
  ['a CSR of a hart that was not created', [{ kind: 'csr.read', hart: 0, csr: 'budget' }], /not created/],
  ['a read of a CSR that is written', [begin, hart, { kind: 'csr.read', hart: 0, csr: 'hgeip' }], /cannot be read/],
  [
    'a write of a CSR that is read',
    [begin, hart, { kind: 'csr.write', hart: 0, csr: 'budget', value: 9n }],
    /cannot be written/,
  ],
  [
    'an interrupt of no device',
    [begin, hart, { kind: 'csr.write', hart: 0, csr: 'hgeip', value: 2n ** 64n - 1n }],
    /no device/,
  ],
  ['the serial port’s interrupt', [begin, hart, { kind: 'csr.write', hart: 0, csr: 'hgeip', value: 10n }], /no device/],
  ['frames before the launch', [allFrames], /not begun/],
  ['a frame twice', [begin, allFrames, map('zero', 3)], /absent/],
  ['frames beyond RAM', [begin, { ...allFrames, frame: 1 } as ToMachine], /absent/],
  ['zeros with contents', [begin, map('zero', 3, Uint8Array.of(1))], /no contents/],
  ['a frame taken during the launch', [begin, allFrames, map('take', 3)], /not finished/],
  ['a frame taken under a running hart', [...LAUNCH, run(0), map('take', 3)], /runs/],
  ['a frame taken that is not there', [begin, map('zero', 0), hart, finish, map('take', 3)], /not present/],
  ['a frame taken with contents', [...LAUNCH, map('take', 3, Uint8Array.of(1))], /own contents/],
  ['two frames taken at once', [...LAUNCH, { ...map('take', 3), count: 2 } as ToMachine], /One frame/],
  ['a frame beyond RAM', [...LAUNCH, map('take', FRAMES)], /outside RAM/],
  ['a frame restored that has not left', [...LAUNCH, map('restore', 3, new Uint8Array(4112))], /not left/],
  ['a short sealed frame', [...LAUNCH, map('take', 3), map('restore', 3, new Uint8Array(4111))], /length/],
  ['a sealed frame given as zeros', [...LAUNCH, map('take', 3), map('zero', 3)], /absent/],
  ['a sealed frame taken again', [...LAUNCH, map('take', 3), map('take', 3)], /not present/],
])('refuses %s', (_name, messages, reason) => {
  const b = bench();
  messages.forEach(b.say);
  expect(b.logged).toEqual([expect.stringMatching(reason)]);
  expect(b.heard.at(-1)).toMatchObject({ reason: expect.stringMatching(reason) });
  expect(b.state.closed).toBeUndefined();
});

test.each([[[]], [[0xee]], [[0x20, 1, 2]], [[0x01, 9, 0]], [[0x03, 0, 0]]])(
  'closes the channel at %j, which is no message',
  (bytes) => {
    const b = bench();
    b.sayBytes(Uint8Array.from(bytes));
    expect(b.state.closed).toBe('The slice sent what is no message');
    expect(b.logged).toEqual(['The slice sent what is no message']);
  },
);

describe('an exit', () => {
  test.each(EXIT_REASONS)(
    'for %s exposes what its mask says, lets that be changed, and costs one message each way',
    (reason) => {
      const b = running();
      postExit(b.board, 0, EXITS[reason]);
      b.monitor.look();
      const { exposes, mayChange } = exitMask(reason);
      const values = {
        sbi: [0x53525354n, 0n, 3n, 4n],
        syscon: [0x1234n],
        budget: [],
        'frame-fault': [BigInt(RAM + 4096)],
      }[reason];
      expect(b.take()).toEqual([{ kind: 'hart.exit', hart: 0, exit: 1, reason, registers: values }]);
      b.monitor.look();
      expect(b.take()).toEqual([]);
      b.say(run(1, { registers: mayChange.map((_, i) => BigInt(i + 5)) }));
      expect(takeCompletion(b.board, 0)).toMatchObject(
        reason === 'sbi' ? { error: 5n, value: 6n } : { error: 0n, value: 0n },
      );
      expect(exposes).toHaveLength(values.length);
      expect(b.take()).toEqual([]);
      expect([b.monitor.counts.exits[reason], b.monitor.counts.calls[reason]]).toEqual([1, 1]);
    },
  );

  test.each(EXIT_REASONS)('for %s: each register is read and written as the mask says, and no other', (reason) => {
    const { exposes, mayChange } = exitMask(reason);
    for (const register of REGISTERS) {
      const b = exited(reason);
      b.say({ kind: 'state.write', hart: 0, exit: 1, register, value: 77n });
      expect(b.take().map(({ kind }) => kind)).toEqual(mayChange.includes(register) ? [] : ['call.refused']);
      b.say({ kind: 'state.read', hart: 0, exit: 1, register });
      const [answer] = b.take();
      expect(answer?.kind).toBe(exposes.includes(register) ? 'state.value' : 'call.refused');
      if (mayChange.includes(register)) expect(answer).toMatchObject({ register, value: 77n });
      b.say(run(1));
      const written = { a0: { error: 77n, value: 4n }, a1: { error: 3n, value: 77n } }[register as string];
      const kept = reason === 'sbi' ? { error: 3n, value: 4n } : { error: 0n, value: 0n };
      expect(takeCompletion(b.board, 0)).toEqual(mayChange.includes(register) ? written : kept);
    }
  });

  test.each<[string, ToMachine]>([
    ['a run as a reply to another', run(0)],
    ['a run as a reply to one that is to come', run(2)],
    ['a write to another', { kind: 'state.write', hart: 0, exit: 2, register: 'a0', value: 0n }],
    ['a read of another', { kind: 'state.read', hart: 0, exit: 0, register: 'a0' }],
    ['a run with half of the registers', run(1, { registers: [1n] })],
  ])('takes no %s, and still waits', (_name, message) => {
    const b = exited('sbi');
    b.say(message);
    expect(b.take()).toMatchObject([{ kind: 'call.refused' }]);
    expect(takeCompletion(b.board, 0)).toBeUndefined();
    b.say(run(1));
    expect(takeCompletion(b.board, 0)).toBeDefined();
  });

  test('that nobody entered before is none', () => {
    const b = launched();
    b.take();
    postExit(b.board, 0, EXITS.syscon);
    b.monitor.look();
    expect(b.take()).toEqual([]);
  });

  test('is said again, with its number, to a slice that takes the place of another', () => {
    const b = exited('sbi');
    b.say({ kind: 'state.write', hart: 0, exit: 1, register: 'a0', value: 9n });
    b.renew();
    const told = b.take();
    expect(told[0]).toMatchObject({ kind: 'platform', phase: 'running' });
    expect(told[1]).toEqual({
      kind: 'hart.exit',
      hart: 0,
      exit: 1,
      reason: 'sbi',
      registers: [0x53525354n, 0n, 9n, 4n],
    });
    b.say(run(1, { registers: [1n, 2n] }));
    expect(takeCompletion(b.board, 0)).toMatchObject({ error: 1n, value: 2n });
  });

  test('is none before the first entry, which the next slice makes', () => {
    const b = launched();
    b.renew();
    expect(phaseOf(b)).toBe('launched');
    b.say(run(0));
    b.renew();
    expect(phaseOf(b)).toBe('running');
  });

  test('of the system reset’s other functions is the monitor’s to answer', () => {
    const b = running();
    postExit(b.board, 0, { ...EXITS.sbi, function: 1n } as Exit);
    b.monitor.look();
    expect(b.take()).toEqual([]);
    expect(takeCompletion(b.board, 0)).toMatchObject({ error: BigInt.asUintN(64, -2n) });
    expect(b.monitor.counts.exits.gate).toBe(1);
  });
});

describe('a grant', () => {
  const grantKey = new Uint8Array(32).fill(3);
  const grant = (microseconds: number, sequence: bigint): object => {
    const mac = createHmac('sha256', grantKey).update(grantBytes({ microseconds, sequence })).digest();
    return { microseconds, sequence, mac: new Uint8Array(mac.subarray(0, 16)) };
  };

  test('adds to the budget, which the next entries go on with', () => {
    const b = launched({ grantKey });
    b.say(run(0, grant(5000, 1n)));
    expect(budgetLeft(b.board, 0)).toBe(5000);
    spendBudget(b.board, 0, 2000);
    postExit(b.board, 0, EXITS.syscon);
    b.monitor.look();
    b.say(run(1, { microseconds: 0 }));
    expect(takeCompletion(b.board, 0)).toBeDefined();
    expect(budgetLeft(b.board, 0)).toBe(3000);
    spendBudget(b.board, 0, 3000);
    postExit(b.board, 0, EXITS.budget);
    b.monitor.look();
    b.take();
    b.say(run(2, { microseconds: 0 }));
    expect(b.take()).toMatchObject([{ kind: 'call.refused', reason: 'Hart 0 has no budget' }]);
    b.say(run(2, grant(7000, 2n)));
    expect(budgetLeft(b.board, 0)).toBe(7000);
    expect(b.take()).toEqual([]);
  });

  test.each<[string, object, RegExp]>([
    ['minted by the slice', { ...grant(5000, 1n), mac: new Uint8Array(16) }, /not the scheduler’s/],
    ['without a code', { ...grant(5000, 1n), mac: NOTHING }, /not the scheduler’s/],
    ['made longer', { ...grant(5000, 1n), microseconds: 5001 }, /not the scheduler’s/],
    ['made newer', { ...grant(5000, 1n), sequence: 2n }, /not the scheduler’s/],
    ['of sequence 0', grant(5000, 0n), /used before/],
  ])('%s is refused', (_name, bad, reason) => {
    const b = launched({ grantKey });
    b.say(run(0, bad));
    expect(b.heard.at(-1)).toMatchObject({ kind: 'call.refused', reason: expect.stringMatching(reason) });
    expect(budgetLeft(b.board, 0)).toBe(0);
  });

  test('is used once', () => {
    const b = launched({ grantKey });
    b.say(run(0, grant(5000, 4n)));
    for (const sequence of [4n, 3n]) {
      postExit(b.board, 0, EXITS.syscon);
      b.monitor.look();
      b.say(run(1, grant(5000, sequence)));
      expect(b.heard.at(-1)).toMatchObject({ reason: 'The grant was used before' });
    }
  });
});

describe('a frame', () => {
  test('leaves sealed, different each time, and only the latest comes back', () => {
    const b = exited('budget');
    b.ram.fill(7, 3 * 4096, 4 * 4096);
    const takeOut = (): Uint8Array => {
      b.say(map('take', 3));
      const [answer] = b.take();
      if (answer?.kind !== 'frame.mapped') throw new Error(`Got ${answer?.kind}`);
      expect(answer).toMatchObject({ operation: 'take', frame: 3 });
      return answer.sealed;
    };
    const restore = (sealed: Uint8Array, frame = 3): string => {
      b.say(map('restore', frame, sealed));
      return b.take()[0]!.kind;
    };
    const first = takeOut();
    expect(Buffer.from(first).includes(Buffer.alloc(16, 7))).toBe(false);
    expect(b.ram.slice(3 * 4096, 4 * 4096)).toEqual(new Uint8Array(4096));
    const changed = first.slice();
    changed[100]! ^= 1;
    expect(restore(changed)).toBe('call.refused');
    expect(restore(first)).toBe('frame.mapped');
    expect(b.ram.slice(3 * 4096, 4 * 4096)).toEqual(new Uint8Array(4096).fill(7));
    expect(restore(first)).toBe('call.refused');
    const second = takeOut();
    expect(second).not.toEqual(first);
    expect(restore(first)).toBe('call.refused');
    b.say(map('take', 4));
    b.take();
    expect(restore(second, 4)).toBe('call.refused');
    expect(restore(second)).toBe('frame.mapped');
  });

  test('cannot leave behind a store to the test finisher, which the hart goes on after in the same page', () => {
    const b = exited('syscon');
    b.say(map('take', 3));
    expect(b.take()).toMatchObject([{ kind: 'call.refused', reason: 'A hart runs' }]);
  });
});

test('an interrupt is injected into a device that is driven, and not again before Linux forgets it', () => {
  const memory = sharedMemory(RAM_BYTES);
  const b = monitorBench(memory, { devices: [{ kind: 'rng' }] });
  LAUNCH.forEach(b.say);
  const inject = (): string | undefined => {
    b.take();
    b.say({ kind: 'csr.write', hart: 0, csr: 'hgeip', value: 16n });
    const [answer] = b.take();
    return answer?.kind === 'call.refused' ? answer.reason : undefined;
  };
  expect(inject()).toBe('The guest does not drive device 0');
  b.say(run(0));
  const exit = (next: Exit): bigint => {
    postExit(b.board, 0, next);
    b.monitor.look();
    return takeCompletion(b.board, 0)!.value;
  };
  const guest = createGuest(memory, {
    read: (address, size) => exit({ reason: 'mmio-read', address, size: size as 4 }),
    write: (address, size, value) => void exit({ reason: 'mmio-write', address, size: size as 4, value }),
    ring: () => undefined,
  });
  guest.free = RAM + 65_536;
  startDevice(guest, findDevice(guest, 4), 0n);
  expect(inject()).toBeUndefined();
  expect(inject()).toBe('Interrupts are injected too often');
  b.time.now += INJECTION_INTERVAL_MS;
  expect(inject()).toBeUndefined();
});

test('a fence reaches the hart’s attention, and the virtual CSRs say what the hart has said', () => {
  const b = running();
  takeAttention(b.board, 0);
  b.say({ kind: 'fence.vma', hart: 0 });
  expect(takeAttention(b.board, 0)).toBe(4);
  b.say({ kind: 'fence.gvma' });
  expect(takeAttention(b.board, 0)).toBe(4);
  publishRetired(b.board, 0, 2 ** 40 + 5);
  b.say({ kind: 'csr.read', hart: 0, csr: 'instret' });
  b.say({ kind: 'csr.read', hart: 0, csr: 'budget' });
  expect(b.take()).toMatchObject([{ value: 2n ** 40n + 5n }, { value: 1000n }]);
});

test('a slice that calls and takes no answers loses its channel', () => {
  const closed: string[] = [];
  const b = bench({
    channel: {
      send: () => undefined,
      queuedBytes: 65 * 2 ** 20,
      closed: undefined,
      listen: (listener) => listener.frame(Uint8Array.of(0x09)),
      close: (reason) => void closed.push(reason),
    },
  });
  expect(closed).toEqual(['The slice calls and takes no answers']);
  expect(b.logged).toEqual(closed);
});

test('a slice that is refused again and again fills no log', () => {
  const b = bench();
  for (let i = 0; i < 1000; i += 1) b.say(finish);
  expect(b.logged).toHaveLength(20);
  b.time.now += 60_000;
  b.say(finish);
  expect(b.logged.at(-1)).toMatch(/… and 980 more lines before/);
});

test('says that it asks again, to a new slice and to one that asks for it, and in which round', () => {
  const b = bench();
  b.renew();
  b.say({ kind: 'block.resend', round: 7 });
  const rounds = b.heard.flatMap((message) => (message.kind === 'block.resending' ? [message.round] : []));
  expect(rounds).toEqual([0, 7]);
});
