import { describe, expect, test } from 'vitest';
import { assembledMachine, causeOf } from './testing/assembled-machine.ts';

const CSR = {
  stvec: 0x105,
  sepc: 0x141,
  satp: 0x180,
  mstatus: 0x300,
  mtvec: 0x305,
  mepc: 0x341,
  pmpcfg0: 0x3a0,
} as const;

/** What the register holds after a write, as a read shows it. */
function kept(number: number, value: bigint, before = 0n): bigint {
  const machine = assembledMachine([
    ['csrrw', { rd: 0, rs1: 4, immediate: number }],
    ['csrrw', { rd: 0, rs1: 5, immediate: number }],
    ['csrrs', { rd: 6, rs1: 0, immediate: number }],
  ]);
  machine.setX(4, before);
  machine.setX(5, value);
  machine.step(3);
  return machine.x(6);
}

describe('what QEMU 7.2 does otherwise', () => {
  test('xepc has no low bit', () => {
    expect([kept(CSR.mepc, 0x8000_0003n), kept(CSR.sepc, 0xffff_ffff_ffff_ffffn)]).toEqual([
      0x8000_0002n,
      0xffff_ffff_ffff_fffen,
    ]);
  });

  test('mstatus.MPP and UXL hold what exists', () => {
    const fields = (value: bigint): bigint[] => [(value >> 11n) & 3n, (value >> 32n) & 3n, (value >> 34n) & 3n];
    for (const mpp of [0n, 1n, 3n]) expect(fields(kept(CSR.mstatus, mpp << 11n))).toEqual([mpp, 2n, 2n]);
    // 2 is no mode: the field stays as it was.
    expect(fields(kept(CSR.mstatus, (2n << 11n) | (1n << 32n), 3n << 11n))).toEqual([3n, 2n, 2n]);
  });

  test('reserved modes of satp, xtvec and pmpcfg', () => {
    const root = 0x8_0123n;
    for (const mode of [0n, 8n, 9n]) expect(kept(CSR.satp, (mode << 60n) | root)).toBe((mode << 60n) | root);
    // Sv57 (10) is not there: the whole write is ignored.
    for (const mode of [1n, 7n, 10n, 11n, 15n])
      expect(kept(CSR.satp, (mode << 60n) | 1n, (8n << 60n) | root)).toBe((8n << 60n) | root);
    for (const vector of [CSR.mtvec, CSR.stvec])
      for (const mode of [2n, 3n]) expect(kept(vector, 0x8000_0000n | mode) & 2n).toBe(0n);
    // W without R is reserved.
    expect(kept(CSR.pmpcfg0, 0x1an) & 3n).not.toBe(2n);
  });

  test('a write of nothing to a read-only register is illegal', () => {
    for (const number of [0xf14, 0xc00, 0xc02])
      for (const [name, rs1, cause] of [
        ['csrrs', 0, undefined],
        ['csrrc', 0, undefined],
        ['csrrsi', 0, undefined],
        // x9 holds 0, and yet it is a write.
        ['csrrs', 9, 2],
        ['csrrc', 9, 2],
        ['csrrwi', 0, 2],
      ] as const)
        expect([name, number, causeOf([name, { rd: 5, rs1, immediate: number }], 3)]).toEqual([name, number, cause]);
  });
});

describe('what QEMU 7.2 has otherwise', () => {
  test('ID and trigger registers read as zero, and writes to triggers change nothing', () => {
    for (const number of [0xf11, 0xf12, 0xf13, 0xf14, 0xf15, 0x7a0, 0x7a1, 0x7a2, 0x7a3]) {
      const machine = assembledMachine([['csrrs', { rd: 6, rs1: 0, immediate: number }]]);
      machine.setX(6, 1n);
      machine.step(1);
      expect(machine.x(6)).toBe(0n);
      if (number < 0xc00) expect(kept(number, 0xffffn)).toBe(0n);
    }
  });

  test('counters are readable below M-mode as mcounteren and scounteren say', () => {
    for (const [index, number] of [
      [0n, 0xc00],
      [1n, 0xc01],
      [2n, 0xc02],
      [3n, 0xc03],
      [31n, 0xc1f],
    ] as const)
      for (const [privilege, machineBit, supervisorBit, cause] of [
        [3, 0n, 0n, undefined],
        [1, 0n, 1n, 2],
        [1, 1n, 0n, undefined],
        [0, 1n, 0n, 2],
        [0, 0n, 1n, 2],
        [0, 1n, 1n, undefined],
      ] as const) {
        const got = causeOf(['csrrs', { rd: 5, rs1: 0, immediate: number }], privilege, (machine) => {
          machine.setSlot('mcounteren', machineBit << index);
          machine.setSlot('scounteren', supervisorBit << index);
        });
        expect([number, privilege, machineBit, supervisorBit, got]).toEqual([
          number,
          privilege,
          machineBit,
          supervisorBit,
          cause,
        ]);
      }
  });
});
