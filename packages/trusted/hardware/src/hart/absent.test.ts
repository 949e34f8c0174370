import { expect, test } from 'vitest';
import { HART, RAM_OFFSET } from '../layout.ts';
import { FRAME } from '../mmu/frame.ts';
import { runInstructions } from './run.ts';
import { wide } from './state.ts';
import { type AssembledMachine, assembledMachine, type Line, RAM } from './testing/assembled-machine.ts';

const FIRST = 16;
const at = (frame: number): number => RAM + 4096 * frame;

/** Runs the lines to their end; each time a frame is absent it is given, and is in the list that is returned. */
function faultsOf(lines: readonly Line[], prepare: (machine: AssembledMachine) => void): number[] {
  const assembled = assembledMachine([...lines, ['jal', { rd: 0, immediate: 0 }]]);
  const { hart, interpreter } = assembled.machine;
  hart.frames.fill(FRAME.absent, FIRST, 32);
  prepare(assembled);
  const faults: number[] = [];
  for (let i = 0; i < 20; i += 1) {
    const pc = wide(hart.state, HART.pc);
    runInstructions(hart, interpreter, 100, true);
    if (hart.absent < 0) return faults;
    const frame = hart.absent - RAM / 4096;
    hart.absent = -1;
    expect(hart.frames[frame]! & FRAME.absent).toBe(FRAME.absent);
    if (faults.length > 0) expect(wide(hart.state, HART.pc)).toBeGreaterThanOrEqual(pc);
    faults.push(frame);
    Atomics.and(hart.frames, frame, ~FRAME.absent);
  }
  throw new Error('It never ends');
}

const word = ({ machine }: AssembledMachine, address: number): number =>
  new DataView(machine.read(address, 4).buffer).getUint32(0, true);

test.each<[string, Line, number, number[]]>([
  ['a load', ['ld', { rd: 7, rs1: 6, immediate: 0 }], at(16), [16]],
  ['a store', ['sd', { rs1: 6, rs2: 5, immediate: 0 }], at(17), [17]],
  ['a load across two', ['ld', { rd: 7, rs1: 6, immediate: 0 }], at(19) - 4, [18, 19]],
  ['a store across two', ['sd', { rs1: 6, rs2: 5, immediate: 0 }], at(19) - 4, [18, 19]],
  ['an atomic', ['amoadd.d', { rd: 7, rs1: 6, rs2: 5 }], at(20), [20]],
  ['a reservation', ['lr.d', { rd: 7, rs1: 6 }], at(20), [20]],
  ['a zeroed block', ['cbo.zero', { rs1: 6 }], at(21), [21]],
  ['a cleaned block', ['cbo.clean', { rs1: 6 }], at(21), [21]],
])('%s of absent frames waits for each and then happens, once', (_name, line, address, frames) => {
  let machine: AssembledMachine | undefined;
  const faults = faultsOf([line, ['addi', { rd: 9, rs1: 9, immediate: 1 }]], (assembled) => {
    machine = assembled;
    assembled.setX(6, BigInt(address));
    assembled.setX(5, 5n);
  });
  expect(faults).toEqual(frames);
  expect(machine!.x(9)).toBe(1n);
  if (line[0] === 'sd' || line[0] === 'amoadd.d') expect(word(machine!, address)).toBe(5);
});

test('fetches of absent frames wait, also of an instruction that straddles two', () => {
  let machine: AssembledMachine | undefined;
  const faults = faultsOf([['jalr', { rd: 0, rs1: 6, immediate: 0 }]], (assembled) => {
    machine = assembled;
    assembled.setX(6, BigInt(at(23) - 2));
    const { bytes } = assembled.machine.hart.state;
    const put = (address: number, value: number): void =>
      new DataView(bytes.buffer).setUint32(RAM_OFFSET + address - RAM, value, true);
    // addi x9, x9, 5, across two frames; then a jump to itself.
    put(at(23) - 2, 0x0054_8493);
    put(at(23) + 2, 0x0000_006f);
  });
  expect(faults).toEqual([22, 23]);
  expect(machine!.x(9)).toBe(5n);
});

test('a walk waits for the frames of its tables', () => {
  let machine: AssembledMachine | undefined;
  const faults = faultsOf([['ld', { rd: 7, rs1: 6, immediate: 0 }]], (assembled) => {
    machine = assembled;
    assembled.setSlot('pmpaddr0', 0x003f_ffff_ffff_ffffn);
    assembled.setSlot('pmpcfg0', 0x1fn);
    const { bytes } = assembled.machine.hart.state;
    const entry = (frame: number, index: number, page: number, flags: number): void =>
      new DataView(bytes.buffer).setBigUint64(
        RAM_OFFSET + 4096 * frame + 8 * index,
        (BigInt(page) << 10n) | BigInt(flags),
        true,
      );
    // Sv39: 2 GiB is entry 2 of the root, then a large page of 2 MiB that maps RAM to itself.
    entry(24, 2, at(25) / 4096, 1);
    entry(25, 0, RAM / 4096, 0xcf);
    assembled.setSlot('satp', (8n << 60n) | BigInt(at(24) / 4096));
    assembled.setX(6, BigInt(at(26)));
    assembled.enter(1);
  });
  expect(faults).toEqual([24, 25, 26]);
  expect(machine!.x(7)).toBe(0n);
});
