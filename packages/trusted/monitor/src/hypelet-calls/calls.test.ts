import type { ToMachine } from '@cloister/protocol';
import { expect, test } from 'vitest';
import {
  allFrames,
  begin,
  bench,
  FRAMES,
  finish,
  hart,
  LAUNCH,
  map,
  RAM,
  RAM_BYTES,
  run,
} from '../testing/launched-machine.ts';

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
