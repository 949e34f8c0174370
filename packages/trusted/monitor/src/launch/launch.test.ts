import { createHash } from 'node:crypto';
import { describePlatform, EMPTY_LAUNCH_DIGEST, extendLaunchDigest, type ToMachine } from '@cloister/protocol';
import { describe, expect, test } from 'vitest';
import {
  allFrames,
  begin,
  bench,
  end,
  finish,
  hart,
  phaseOf,
  RAM,
  RAM_BYTES,
  run,
} from '../testing/launched-machine.ts';

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
