import { describe, expect, test } from 'vitest';
import { assembledMachine, causeOf, type Line, RAM } from './testing/assembled-machine.ts';

test('fences of translations are illegal in U-mode', () => {
  for (const name of ['sfence.w.inval', 'sfence.inval.ir', 'sfence.vma', 'sinval.vma'])
    expect([0, 1, 3].map((privilege) => causeOf([name], privilege as 0 | 1 | 3))).toEqual([2, undefined, undefined]);
});

test('a trap vector that traps itself ends the run, since nothing else can', () => {
  const machine = assembledMachine([['ecall']]);
  machine.setSlot('mtvec', 0x7000_0000_0000n);
  machine.step(1000);
  expect([machine.machine.hart.ended, machine.machine.hart.retired]).toEqual([true, 0]);
  expect(machine.slot('mcause')).toBe(1n);
});

test('MPRV concerns data alone, and a trap and mret change what it means', () => {
  // PMP closes RAM to S and U: with MPRV and MPP = U a load faults, while M-mode's code goes on.
  const machine = assembledMachine([
    ['csrrs', { rd: 0, rs1: 5, immediate: 0x300 }],
    ['ld', { rd: 6, rs1: 10, immediate: 0 }],
    ['c.nop'],
    ['c.nop'],
    // The handler: MPP is M now, so that its own load is done as M-mode does it; mret leaves MPP = U and MPRV set.
    ['ld', { rd: 7, rs1: 10, immediate: 0 }],
    ['csrrs', { rd: 8, rs1: 0, immediate: 0x300 }],
    ['mret'],
  ] satisfies Line[]);
  machine.setX(5, 1n << 17n);
  machine.setX(6, 1n);
  machine.setX(10, BigInt(RAM + 0x1000));
  machine.setX(7, 1n);
  machine.setSlot('mtvec', BigInt(RAM + 12));
  machine.step(4);
  expect([machine.slot('mcause'), machine.slot('mepc'), machine.x(6), machine.x(7)]).toEqual([
    5n,
    BigInt(RAM + 4),
    1n,
    0n,
  ]);
  expect((machine.x(8) >> 11n) & 3n).toBe(3n);
  expect([(machine.slot('mstatus') >> 11n) & 3n, (machine.slot('mstatus') >> 17n) & 1n]).toEqual([0n, 1n]);
});

describe('cache-block operations (CMO §2), which QEMU 7.2 lacks', () => {
  test('menvcfg and senvcfg enable them below M-mode', () => {
    for (const [name, bits] of [
      ['cbo.zero', 1n << 7n],
      ['cbo.clean', 1n << 6n],
      ['cbo.flush', 1n << 6n],
      ['cbo.inval', 1n << 4n],
    ] as const)
      for (const [privilege, menvcfg, senvcfg, cause] of [
        [3, 0n, 0n, undefined],
        [1, 0n, bits, 2],
        [1, bits, 0n, undefined],
        [0, bits, 0n, 2],
        [0, 0n, bits, 2],
        [0, bits, bits, undefined],
      ] as const) {
        const got = causeOf([name, { rs1: 10 }], privilege, (machine) => {
          machine.setX(10, BigInt(RAM + 0x1000));
          machine.setSlot('menvcfg', menvcfg);
          machine.setSlot('senvcfg', senvcfg);
        });
        expect([name, privilege, menvcfg, senvcfg, got]).toEqual([name, privilege, menvcfg, senvcfg, cause]);
      }
  });
});
