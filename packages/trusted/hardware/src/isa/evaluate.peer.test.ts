import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { countAvoided } from '../../../../../conformance/fuzz/peer-differences.ts';
import { createRandom } from '../float/testing/operands.ts';
import { disassemble } from './disassemble.ts';
import { evaluate } from './evaluate.ts';
import { INSTRUCTIONS } from './table.ts';
import { createPlainMachine, PLAIN_CSR } from './testing/plain-machine.ts';
import { type RandomCase, randomCase } from './testing/random-case.ts';

/** The table's semantics, as the evaluator has them, against QEMU's processor (testing/peer.c), in user mode. */
const CODE = 0x4000_0000n;
const CODE_BYTES = 0x1_0000n;
const MIDDLE = CODE + CODE_BYTES / 2n;
const WINDOW = { base: 0x5000_1000n - 128n, length: 256 };
/** Words of a record before the window: word or pc, sp, x10..x13, f10..f13, fcsr. */
const WORDS = 11;
const RECORD = WORDS * 8 + WINDOW.length;
const REGISTERS = { x: [0, 10, 11, 12, 13], f: [10, 11, 12, 13] };
const CASES = 300;

/** What user mode has not, or QEMU 7.2 has not. */
const UNAVAILABLE = /^(ecall|ebreak|c\.ebreak|cbo\..*)$/;
const AVAILABLE = INSTRUCTIONS.filter(
  ({ name, extension }) => !UNAVAILABLE.test(name) && !['system', 's', 'svinval'].includes(extension),
);

/**
 * QEMU 7.2's ctzw looks at all 64 bits and gives 32 only where all are zero; Zbb says 32 where the low word is zero.
 */
const isKnownDifference = ({ decoded, hart }: RandomCase): boolean =>
  decoded.base.name === 'ctzw' && BigInt.asUintN(32, hart.x[decoded.operands.rs1]!) === 0n;

interface Case extends RandomCase {
  readonly memory: Buffer;
}

function serialize(target: Buffer, words: readonly bigint[], memory: Uint8Array): Buffer {
  words.forEach((word, index) => {
    target.writeBigUInt64LE(word, index * 8);
  });
  target.set(memory, WORDS * 8);
  return target;
}

const fcsr = ({ frm, fflags }: RandomCase['hart']): bigint => BigInt((frm << 5) | fflags);

/** The evaluator's final state as the peer would write it; undefined where it leaves the code's range. */
function expectedRecord({ hart: initial, decoded, memory }: Case): Buffer | undefined {
  const hart = { ...initial, x: [...initial.x], f: [...initial.f] };
  const machine = createPlainMachine(hart, WINDOW.base, Uint8Array.from(memory));
  const outcome = evaluate(decoded, hart, machine);
  if (outcome.kind === 'trap') throw new Error(`${decoded.entry.name} traps (cause ${outcome.cause})`);
  if (hart.pc < CODE || hart.pc >= CODE + CODE_BYTES) return undefined;
  const words = [hart.pc, hart.x[2]!, ...hart.x.slice(10, 14), ...hart.f.slice(10, 14), fcsr(hart)];
  return serialize(Buffer.alloc(RECORD), words, machine.window.bytes);
}

function* casesOf(entry: (typeof INSTRUCTIONS)[number], random: () => number): Generator<[Case, Buffer]> {
  for (let made = 0, tried = 0; made < CASES && tried < 100 * CASES; tried += 1) {
    const csrs = [PLAIN_CSR.fflags, PLAIN_CSR.frm, PLAIN_CSR.fcsr];
    const one = randomCase(entry, random, { window: WINDOW, registers: REGISTERS, csrs, traps: false });
    if (one === undefined || isKnownDifference(one)) continue;
    const { hart, decoded } = one;
    if (entry.name === 'ctzw' && BigInt.asUintN(32, hart.x[decoded.operands.rs1]!) === 0n) {
      countAvoided('ctzw');
      continue;
    }
    hart.pc = MIDDLE;
    // Else few of its targets would lie where the peer can find them.
    if (decoded.base.name === 'jalr' && decoded.operands.rs1 !== 0)
      hart.x[decoded.operands.rs1] = MIDDLE + BigInt((random() % 8192) - 4096);
    const whole = { ...one, memory: Buffer.from(Uint8Array.from({ length: WINDOW.length }, () => random() & 0xff)) };
    const expected = expectedRecord(whole);
    if (expected === undefined) continue;
    made += 1;
    yield [whole, expected];
  }
}

function runPeer(input: Buffer): Buffer {
  const directory = mkdtempSync(join(tmpdir(), 'cloister-isa-'));
  try {
    const program = join(directory, 'peer');
    const source = join(import.meta.dirname, 'testing', 'peer.c');
    execFileSync('riscv64-linux-gnu-gcc', ['-O1', '-static', '-o', program, source]);
    const processor = 'rv64,zba=true,zbb=true,zbc=true,zbs=true';
    return execFileSync('qemu-riscv64', ['-cpu', processor, program], { input, maxBuffer: 2 ** 30 });
  } finally {
    rmSync(directory, { recursive: true });
  }
}

test('every unprivileged entry does in the evaluator what QEMU does', () => {
  const seed = 23;
  const random = createRandom(seed);
  const cases = AVAILABLE.flatMap((entry) => [...casesOf(entry, random)]);
  const input = Buffer.concat(
    cases.map(([{ word, hart, memory }]) => {
      const words = [BigInt(word >>> 0), hart.x[2]!, ...hart.x.slice(10, 14), ...hart.f.slice(10, 14), fcsr(hart)];
      return serialize(Buffer.alloc(RECORD), words, memory);
    }),
  );
  const output = runPeer(input);
  expect(output.length).toBe(input.length);
  const found = cases.flatMap(([{ word }, expected], index) => {
    const got = output.subarray(index * RECORD, (index + 1) * RECORD);
    if (got.equals(expected)) return [];
    const show = (record: Buffer): string =>
      Array.from({ length: WORDS }, (_, at) => record.readBigUInt64LE(at * 8).toString(16)).join(' ');
    return [`${disassemble(word)}: QEMU ${show(got)}, ours ${show(expected)}`];
  });
  const names = new Set(cases.map(([{ decoded }]) => decoded.entry.name));
  expect(AVAILABLE.map(({ name }) => name).filter((name) => !names.has(name))).toEqual([]);
  expect({ seed, found: found.slice(0, 20), count: found.length }).toEqual({ seed, found: [], count: 0 });
});
