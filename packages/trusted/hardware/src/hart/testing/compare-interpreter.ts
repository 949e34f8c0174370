import { type BareMachine, createBareMachine } from '../../bare-machine.ts';
import { createRandom } from '../../float/testing/operands.ts';
import { disassemble } from '../../isa/disassemble.ts';
import { evaluate } from '../../isa/evaluate.ts';
import type { EvaluatorHart } from '../../isa/evaluate-machine.ts';
import type { Instruction } from '../../isa/instruction.ts';
import { INSTRUCTIONS } from '../../isa/table.ts';
import { createPlainMachine, PLAIN_CSR } from '../../isa/testing/plain-machine.ts';
import { type RandomCase, randomCase } from '../../isa/testing/random-case.ts';
import { HART, RAM_OFFSET } from '../../layout.ts';
import { SLOT, STATUS } from '../csr-slots.ts';
import { updateContexts } from '../hart.ts';
import { runInstructions } from '../run.ts';
import { type HartState, PRIVILEGE, setWideBig, setWord, wide, word } from '../state.ts';

/**
 * The emitted interpreter against the reference evaluator, one instruction at a time, in M-mode. Both are made from the
 * instruction table: what it says wrongly they do alike.
 */
const RAM = 0x8000_0000n;
const HANDLER = 0x8000_0000n;
/** Astride a page boundary. */
const WINDOW = { base: 0x8020_0000n - 128n, length: 256 };
const CODE = 0x8040_0000n;
const STATUS_MPP = 3 << 11;
/** `jal x0, 0`, which retires and stays where it is. */
const STAY = 0x0000_006f;

const RAM_BYTES = 64 * 1024 * 1024;
const CODE_END = RAM + BigInt(RAM_BYTES) - 8192n;
const host = (address: bigint): number => Number(address - RAM) + RAM_OFFSET;

function write32(state: HartState, address: bigint, value: number): void {
  for (let i = 0; i < 4; i += 1) state.bytes[host(address) + i] = (value >>> (8 * i)) & 0xff;
}

interface Final {
  readonly x: readonly bigint[];
  readonly f: readonly bigint[];
  readonly pc: bigint;
  readonly fflags: number;
  readonly frm: number;
  readonly fs: number;
  readonly csrs: readonly bigint[];
  readonly trap: readonly bigint[];
  readonly memory: string;
  /** Address and value, or nothing. */
  readonly reservation: readonly bigint[];
}

const CSRS = [
  [PLAIN_CSR.mscratch, SLOT.mscratch],
  [PLAIN_CSR.mepc, SLOT.mepc],
  [PLAIN_CSR.sepc, SLOT.sepc],
] as const;

/** Runs the instruction in the machine; each call at an address of its own, since nothing fences the decode cache. */
function runEmitted(
  { hart, word: bits }: RandomCase,
  machine: BareMachine,
  memory: Uint8Array,
  csrs: readonly bigint[],
): Final {
  const { state } = machine.hart;
  write32(state, hart.pc, bits);
  write32(state, HANDLER, STAY);
  state.bytes.set(memory, host(WINDOW.base));
  for (let n = 0; n < 32; n += 1) {
    setWideBig(state, HART.x + 8 * n, hart.x[n]!);
    setWideBig(state, HART.f + 8 * n, hart.f[n]!);
  }
  setWideBig(state, HART.pc, hart.pc);
  setWord(state, HART.fflags, hart.fflags);
  setWord(state, HART.frm, hart.frm);
  setWord(state, HART.privilege, PRIVILEGE.M);
  setWord(state, SLOT.mstatus, STATUS_MPP | (hart.fs << 13));
  setWideBig(state, SLOT.mtvec, HANDLER);
  setWideBig(state, SLOT.mcause, 0n);
  setWideBig(state, SLOT.mtval, 0n);
  CSRS.forEach(([, slot], index) => {
    setWideBig(state, slot, csrs[index]!);
  });
  if (hart.reservation === undefined) setWord(state, HART.reservedAt, 0);
  else {
    setWord(state, HART.reservedAt, host(hart.reservation.address));
    setWideBig(state, HART.reservedValue, hart.reservation.value);
  }
  machine.hart.waiting = false;
  updateContexts(machine.hart);
  runInstructions(machine.hart, machine.interpreter, 1, true);
  const range = Array.from({ length: 32 }, (_, n) => n);
  const reserved = word(state, HART.reservedAt);
  const trapped = wide(state, SLOT.mcause) !== 0n;
  return {
    x: range.map((n) => wide(state, HART.x + 8 * n)),
    f: range.map((n) => wide(state, HART.f + 8 * n)),
    pc: wide(state, HART.pc),
    fflags: word(state, HART.fflags),
    frm: word(state, HART.frm),
    fs: (word(state, SLOT.mstatus) & STATUS.FS) >>> 13,
    csrs: CSRS.map(([, slot], index) => (trapped && slot === SLOT.mepc ? csrs[index]! : wide(state, slot))),
    trap: trapped ? [wide(state, SLOT.mcause), wide(state, SLOT.mtval), wide(state, SLOT.mepc)] : [],
    memory: state.bytes.slice(host(WINDOW.base), host(WINDOW.base) + WINDOW.length).join(),
    reservation: reserved === 0 ? [] : [BigInt(reserved - RAM_OFFSET) + RAM, wide(state, HART.reservedValue)],
  };
}

function runReference(
  { hart: initial, word: bits, decoded }: RandomCase,
  memory: Uint8Array,
  csrs: readonly bigint[],
): Final {
  const hart: EvaluatorHart = { ...initial, x: [...initial.x], f: [...initial.f] };
  const plain = createPlainMachine(hart, WINDOW.base, memory.slice());
  CSRS.forEach(([number], index) => {
    plain.registers.set(number, csrs[index]!);
  });
  const outcome = evaluate(decoded, hart, plain);
  const trapped = outcome.kind === 'trap';
  return {
    x: hart.x,
    f: hart.f,
    pc: trapped ? HANDLER : hart.pc,
    fflags: hart.fflags,
    frm: hart.frm,
    fs: hart.fs,
    csrs: CSRS.map(([number]) => plain.registers.get(number)!),
    trap: trapped ? [BigInt(outcome.cause), outcome.cause === 2 ? BigInt(bits >>> 0) : outcome.value, hart.pc] : [],
    memory: plain.window.bytes.join(),
    reservation: hart.reservation === undefined ? [] : [hart.reservation.address, hart.reservation.value],
  };
}

/** Compares one entry at a time; the machine and the place of the code go on from call to call. */
export interface Comparison {
  /** Differences between the two in `count` random encodings of the entry. */
  run(entry: Instruction, count: number, random: () => number): string[];
}

export function createComparison(): Comparison {
  let machine = createBareMachine(RAM_BYTES);
  let code = CODE;
  /** Mostly behind the last one; now and then astride two pages, or the last of one. */
  const nextPlace = (random: () => number): bigint => {
    code += 8n + BigInt(2 * (random() % 3));
    if (random() % 16 === 0) code = (code & ~4095n) + 4096n + [4090n, 4092n, 4094n][random() % 3]!;
    if (code >= CODE_END) {
      machine = createBareMachine(RAM_BYTES);
      code = CODE;
    }
    return code;
  };
  return {
    run(entry, count, random) {
      const found: string[] = [];
      for (let i = 0; i < count; i += 1) {
        const one = randomCase(entry, random, { window: WINDOW, traps: true });
        if (one === undefined) continue;
        one.hart.pc = nextPlace(random);
        const memory = Uint8Array.from({ length: WINDOW.length }, () => random() & 0xff);
        if (entry.name.startsWith('sc.') && random() % 2 === 0) reserve(one, memory, random);
        const csrs = [BigInt(random()), BigInt(random()) & ~1n, BigInt(random()) & ~1n];
        const expected = runReference(one, memory, csrs);
        const got = runEmitted(one, machine, memory, csrs);
        for (const key of Object.keys(expected) as (keyof Final)[])
          if (String(expected[key]) !== String(got[key]))
            found.push(`${disassemble(one.word)}, ${key}: ${got[key]}, should be ${expected[key]}`);
      }
      return found;
    },
  };
}

/** A reservation for SC: mostly of its own width, and now and then of another value than memory has. */
function reserve({ hart, decoded }: RandomCase, memory: Uint8Array, random: () => number): void {
  const address = hart.x[decoded.operands.rs1]!;
  const bytes = decoded.base.name.endsWith('.d') === (random() % 8 !== 0) ? 8 : 4;
  const at = Number(address - WINDOW.base);
  if (address % BigInt(bytes) !== 0n || at < 0 || at + bytes > memory.length) return;
  const value = memory.slice(at, at + bytes).reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
  hart.reservation = { address, value: random() % 4 === 0 ? value ^ 1n : value };
}

/** Compares `count` random instructions, drawn from the whole table; stops at the tenth difference. */
export function compareInterpreter({ count, seed }: { readonly count: number; readonly seed: number }): {
  compared: number;
  differences: string[];
} {
  const comparison = createComparison();
  const random = createRandom(seed);
  const differences: string[] = [];
  let compared = 0;
  for (; compared < count && differences.length < 10; compared += 1)
    differences.push(...comparison.run(INSTRUCTIONS[random() % INSTRUCTIONS.length]!, 1, random));
  return { compared, differences };
}
