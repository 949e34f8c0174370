import { describe, expect, test } from 'vitest';
import { type BareMachine, createBareMachine } from '../bare-machine.ts';
import { type AssemblyOperands, assembleAll } from '../isa/assemble.ts';
import { HART, RAM_OFFSET } from '../layout.ts';
import { SLOT } from './csr-slots.ts';
import { retiredCount } from './hart.ts';
import { setX, wide, x } from './state.ts';

type Line = readonly [name: string, operands?: AssemblyOperands];
const BASE = 0x8000_0000;
const MIB = 2 ** 20;

function machineWith(lines: readonly Line[], at = BASE): BareMachine {
  const machine = createBareMachine(64 * MIB);
  machine.load(at, assembleAll(lines));
  machine.start(at);
  return machine;
}
const pcOf = (machine: BareMachine): number => Number(wide(machine.hart.state, HART.pc));
const csr = { mscratch: 0x340, minstret: 0xb02, mtvec: 0x305, mcause: 0x342, mtval: 0x343, mepc: 0x341 };

describe('counting', () => {
  const loop: Line[] = [
    ['addi', { rd: 5, rs1: 5, immediate: 1 }],
    ['c.addi', { rd: 6, rs1: 6, immediate: 1 }],
    ['jal', { rd: 0, immediate: -6 }],
  ];
  test.each([1, 2, 3, 1000, 29_999, 30_000, 30_001, 100_003])(
    'a run of %i instructions stops exactly there',
    (count) => {
      const machine = machineWith(loop);
      expect(machine.run(count)).toBe(count);
      expect(x(machine.hart.state, 5)).toBe(BigInt(Math.ceil(count / 3)));
      expect(pcOf(machine)).toBe(BASE + [0, 4, 6][count % 3]!);
    },
  );

  test('minstret counts what retired before the read, and a write replaces the increment', () => {
    const machine = machineWith([
      ['csrrs', { rd: 5, rs1: 0, immediate: csr.minstret }],
      ['addi', { rd: 7, rs1: 0, immediate: 100 }],
      ['csrrw', { rd: 0, rs1: 7, immediate: csr.minstret }],
      ['csrrs', { rd: 6, rs1: 0, immediate: csr.minstret }],
    ]);
    machine.run(4);
    expect([x(machine.hart.state, 5), x(machine.hart.state, 6)]).toEqual([0n, 100n]);
    expect(retiredCount(machine.hart)).toBe(4);
  });

  test('an exception does not retire its instruction', () => {
    const machine = machineWith([
      ['auipc', { rd: 5, immediate: 0 }],
      ['addi', { rd: 5, rs1: 5, immediate: 32 }],
      ['csrrw', { rd: 0, rs1: 5, immediate: csr.mtvec }],
      ['ecall'],
      ...Array<Line>(4).fill(['ebreak']),
      ['csrrs', { rd: 6, rs1: 0, immediate: csr.minstret }],
      ['csrrs', { rd: 7, rs1: 0, immediate: csr.mcause }],
    ]);
    machine.run(5);
    expect([x(machine.hart.state, 6), x(machine.hart.state, 7)]).toEqual([3n, 11n]);
  });

  test('a WFI that nothing can end ends the run', () => {
    const machine = machineWith([['wfi']]);
    expect(machine.run(1000)).toBe(1);
  });
});

describe('memory', () => {
  test('cbo.zero clears its block whether or not the TLB has the page, and code in it goes with the next fence.i', () => {
    const machine = machineWith([
      ['csrrw', { rd: 0, rs1: 12, immediate: csr.mtvec }],
      ['cbo.zero', { rs1: 10 }],
      ['addi', { rd: 10, rs1: 10, immediate: 64 }],
      ['cbo.zero', { rs1: 10 }],
      ['jalr', { rd: 1, rs1: 11, immediate: 0 }],
      ['cbo.zero', { rs1: 11 }],
      ['fence.i'],
      ['jalr', { rd: 1, rs1: 11, immediate: 0 }],
    ]);
    const data = BASE + 0x1_0000;
    const code = BASE + 0x2_0000;
    machine.load(data, new Uint8Array(256).fill(0xff));
    machine.load(
      code,
      assembleAll([
        ['addi', { rd: 5, rs1: 5, immediate: 1 }],
        ['jalr', { rd: 0, rs1: 1, immediate: 0 }],
      ]),
    );
    setX(machine.hart.state, 10, BigInt(data) + 5n);
    machine.load(BASE + 0x3_0000, assembleAll([['jal', { rd: 0, immediate: 0 }]]));
    setX(machine.hart.state, 12, BigInt(BASE + 0x3_0000));
    setX(machine.hart.state, 11, BigInt(code));
    machine.run(10);
    expect(pcOf(machine)).toBe(code);
    expect(x(machine.hart.state, 5)).toBe(1n);
    const at = RAM_OFFSET + 0x1_0000;
    const bytes = [...machine.hart.state.bytes.subarray(at, at + 256)];
    expect(bytes).toEqual([...new Uint8Array(128), ...new Uint8Array(128).fill(0xff)]);
    machine.run(11);
    // The zeros are an illegal instruction.
    expect(Number(wide(machine.hart.state, SLOT.mcause))).toBe(2);
  });

  test('loads and stores may be misaligned and cross a page', () => {
    const lines: Line[] = [];
    const sizes = [
      ['sh', 'lhu', 2],
      ['sw', 'lwu', 4],
      ['sd', 'ld', 8],
    ] as const;
    for (const [store, load] of sizes) {
      lines.push([store, { rs1: 10, rs2: 11, immediate: -1 }], [load, { rd: 12, rs1: 10, immediate: -1 }]);
      lines.push(['xor', { rd: 13, rs1: 13, rs2: 12 }], ['slli', { rd: 13, rs1: 13, immediate: 1 }]);
    }
    const machine = machineWith(lines);
    const value = 0x8877_6655_4433_2211n;
    setX(machine.hart.state, 10, BigInt(BASE + 0x3000));
    setX(machine.hart.state, 11, value);
    machine.run(lines.length);
    expect([...machine.read(BASE + 0x2fff, 8)]).toEqual([0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88]);
    let expected = 0n;
    for (const [, , bytes] of sizes) expected = BigInt.asUintN(64, (expected ^ BigInt.asUintN(bytes * 8, value)) << 1n);
    expect(x(machine.hart.state, 13)).toBe(expected);
  });

  test('an instruction that straddles two pages runs, and pc goes on behind it', () => {
    const machine = machineWith(
      [['c.nop'], ['addi', { rd: 5, rs1: 0, immediate: 7 }], ['addi', { rd: 6, rs1: 5, immediate: 1 }]],
      BASE + 0xffc,
    );
    machine.run(3);
    expect([x(machine.hart.state, 5), x(machine.hart.state, 6), pcOf(machine)]).toEqual([7n, 8n, BASE + 0x1006]);
  });

  test('stored instructions run after fence.i, also those that were predecoded before', () => {
    const patched = new DataView(assembleAll([['addi', { rd: 6, rs1: 0, immediate: 2 }]]).buffer).getInt32(0, true);
    const machine = machineWith([
      ['addi', { rd: 6, rs1: 0, immediate: 1 }],
      ['sw', { rs1: 10, rs2: 11, immediate: 0 }],
      ['fence.i'],
      ['jal', { rd: 0, immediate: -12 }],
    ]);
    setX(machine.hart.state, 10, BigInt(BASE));
    setX(machine.hart.state, 11, BigInt(patched));
    machine.run(1);
    expect(x(machine.hart.state, 6)).toBe(1n);
    machine.run(5);
    expect(x(machine.hart.state, 6)).toBe(2n);
  });

  test('misaligned atomics trap, and so does an access outside of RAM', () => {
    for (const [line, address, cause] of [
      [['amoadd.d', { rd: 5, rs1: 10, rs2: 0 }], BASE + 0x1004, 6n],
      [['lr.w', { rd: 5, rs1: 10 }], BASE + 0x1002, 4n],
      [['sc.d', { rd: 5, rs1: 10, rs2: 0 }], BASE + 0x1001, 6n],
      [['ld', { rd: 5, rs1: 10, immediate: 0 }], 0x7000_0000_0000, 5n],
      [['sd', { rs1: 10, rs2: 0, immediate: 0 }], BASE + 64 * MIB, 7n],
      [['ld', { rd: 5, rs1: 10, immediate: 0 }], BASE + 64 * MIB - 4, 5n],
    ] as const) {
      const machine = machineWith([
        ['csrrw', { rd: 0, rs1: 9, immediate: csr.mtvec }],
        line as Line,
        ['c.nop'],
        ['c.nop'],
        ['csrrs', { rd: 6, rs1: 0, immediate: csr.mcause }],
      ]);
      setX(machine.hart.state, 9, BigInt(BASE + 12));
      setX(machine.hart.state, 10, BigInt(address));
      machine.run(2);
      expect([line[0], x(machine.hart.state, 6)]).toEqual([line[0], cause]);
    }
  });
});
