import { type BareMachine, createBareMachine } from '../../bare-machine.ts';
import { type AssemblyOperands, assembleAll } from '../../isa/assemble.ts';
import { HART } from '../../layout.ts';
import { MEMORY_MAP, RAM_BYTES_MIN } from '../../memory-map.ts';
import { pmpRegions } from '../../mmu/pmp.ts';
import { SLOT } from '../csr-slots.ts';
import { updateContexts } from '../hart.ts';
import { type Privilege, setWideBig, setWord, setX, wide, x } from '../state.ts';

/** A bare machine at the start of RAM with a few instructions, and short ways to its registers. */
export type Line = readonly [name: string, operands?: AssemblyOperands];
export const RAM = MEMORY_MAP.ram.base;

export interface AssembledMachine {
  readonly machine: BareMachine;
  /** Runs exactly `count` instructions; a trap counts for none. */
  step(count: number): void;
  x(n: number): bigint;
  setX(n: number, value: bigint): void;
  slot(name: keyof typeof SLOT): bigint;
  setSlot(name: keyof typeof SLOT, value: bigint): void;
  enter(privilege: Privilege): void;
}

export function assembledMachine(lines: readonly Line[]): AssembledMachine {
  const machine = createBareMachine(RAM_BYTES_MIN);
  const { state } = machine.hart;
  machine.load(RAM, assembleAll(lines));
  machine.start(RAM);
  return {
    machine,
    step: (count) => void machine.run(machine.hart.retired + count),
    x: (n) => x(state, n),
    setX: (n, value) => setX(state, n, value),
    slot: (name) => wide(state, SLOT[name]),
    setSlot(name, value) {
      setWideBig(state, SLOT[name], value);
      machine.hart.regions = pmpRegions(state);
      updateContexts(machine.hart);
    },
    enter(level) {
      setWord(state, HART.privilege, level);
      updateContexts(machine.hart);
    },
  };
}

/** The cause of the exception that the first instruction raises in this mode; undefined: it retires. All of PMP is open. */
export function causeOf(
  line: Line,
  privilege: Privilege,
  prepare?: (machine: AssembledMachine) => void,
): number | undefined {
  const assembled = assembledMachine([
    line,
    ...Array<Line>(8).fill(['c.nop']),
    ...Array<Line>(8).fill(['addi', { rd: 31, rs1: 0, immediate: 1 }]),
  ]);
  assembled.setSlot('pmpaddr0', 0x003f_ffff_ffff_ffffn);
  assembled.setSlot('pmpcfg0', 0x1fn);
  assembled.setSlot('mtvec', BigInt(RAM + 20));
  assembled.enter(privilege);
  prepare?.(assembled);
  assembled.step(1);
  return assembled.x(31) === 1n ? Number(assembled.slot('mcause')) : undefined;
}
