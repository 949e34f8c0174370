import type { FloatKey } from '../../float/operations.ts';
import { FLOAT_OPERATIONS } from '../../float/operations.ts';
import { randomOperands, SPECIAL_INTEGERS, specials } from '../../float/testing/operands.ts';
import { encodeInstruction } from '../assemble.ts';
import { type Decoded, decode } from '../decode.ts';
import type { EvaluatorHart } from '../evaluate-machine.ts';
import type { Instruction } from '../instruction.ts';
import { type RegisterField, readImmediate } from '../operands.ts';
import type { Expression, Statement } from '../semantics.ts';
import { baseInstructionNamed } from '../table.ts';
import { emptyHart, PLAIN_CSR } from './plain-machine.ts';

type Random = () => number;
const below = (random: Random, bound: number): number => Math.floor((random() / 2 ** 32) * bound);
const pick = <T>(random: Random, list: readonly T[]): T => list[below(random, list.length)]!;
const wide = (random: Random): bigint => (BigInt(random()) << 32n) | BigInt(random());

/** Registers by number, for peers that need some for themselves. */
export interface RegisterChoice {
  readonly x: readonly number[];
  readonly f: readonly number[];
}
const ALL: RegisterChoice = { x: Array.from({ length: 32 }, (_, n) => n), f: Array.from({ length: 32 }, (_, n) => n) };

/** What a statement or expression holds, itself included. */
function* nodes(node: unknown): Generator<Expression | Statement> {
  if (typeof node !== 'object' || node === null) return;
  if ('op' in node || 'do' in node) yield node as Expression | Statement;
  for (const value of Object.values(node))
    if (Array.isArray(value)) for (const inner of value) yield* nodes(inner);
    else yield* nodes(value);
}

interface Needs {
  /** Bytes of the access at rs1 plus the immediate, and whether it must be aligned. */
  readonly access: { readonly bytes: number; readonly atomic: boolean } | undefined;
  readonly float: FloatKey | undefined;
  readonly csr: boolean;
}

function needsOf(entry: Instruction): Needs {
  const base = entry.length === 4 ? entry : baseInstructionNamed(entry.expandsTo);
  let access: Needs['access'];
  let float: FloatKey | undefined;
  let csr = false;
  for (const statement of base.semantics)
    for (const node of nodes(statement)) {
      if ('bytes' in node && node.bytes !== undefined)
        access = { bytes: node.bytes, atomic: 'op' in node && node.op !== 'load' };
      if ('op' in node && node.op === 'float') float = node.key;
      if ('do' in node && node.do === 'csr') csr = true;
      if ('do' in node && node.do === 'system' && node.name.startsWith('cbo')) access = { bytes: 64, atomic: true };
    }
  return { access, float, csr };
}

const DOUBLES = specials('f64');
const SINGLES = specials('f32');

function anyFloat(random: Random): bigint {
  switch (below(random, 4)) {
    case 0:
      return pick(random, DOUBLES);
    case 1:
      return pick(random, SINGLES) | 0xffff_ffff_0000_0000n;
    case 2:
      return BigInt(random()) | 0xffff_ffff_0000_0000n;
    default:
      return wide(random);
  }
}

const anyInteger = (random: Random): bigint =>
  below(random, 2) === 0
    ? pick(random, SPECIAL_INTEGERS)
    : BigInt.asUintN(64, wide(random) >> BigInt(below(random, 64)));

export interface RandomCase {
  readonly word: number;
  readonly decoded: Decoded;
  /** Registers, fflags, frm and FS; the caller places it (pc). */
  readonly hart: EvaluatorHart;
}

export interface CaseOptions {
  /** Where the accesses go: addresses base .. base + length, base a multiple of 64. */
  readonly window: { readonly base: bigint; readonly length: number };
  readonly registers?: RegisterChoice;
  readonly csrs?: readonly number[];
  /** Also what traps: misaligned atomics, addresses without memory, floating point off, reserved rounding modes. */
  readonly traps: boolean;
}

/** A random encoding of the entry with a state to run it in; undefined where the encoding means another entry. */
export function randomCase(entry: Instruction, random: Random, options: CaseOptions): RandomCase | undefined {
  const { access, float, csr } = needsOf(entry);
  const { traps, registers = ALL } = options;
  const base = entry.length === 4 ? entry : baseInstructionNamed(entry.expandsTo);
  const operand = (name: 'rd' | 'rs1' | 'rs2' | 'rs3'): number => {
    const field: RegisterField | undefined = entry.operands[name];
    if (field === undefined) return 0;
    if (field.fixed !== undefined) return field.fixed;
    const list = base.floatOperands.includes(name) ? registers.f : registers.x;
    const usable = list.filter(
      (n) => (field.bits !== 3 || (n >= 8 && n < 16)) && !(access !== undefined && name === 'rs1' && n === 0),
    );
    return pick(random, usable);
  };
  const rd = operand('rd');
  const rs1 = entry.operands.rs1 === entry.operands.rd ? rd : operand('rs1');
  const csrs = options.csrs ?? Object.values(PLAIN_CSR);
  const word = encodeInstruction(entry, {
    rd,
    rs1,
    rs2: operand('rs2'),
    rs3: operand('rs3'),
    immediate: csr ? pick(random, csrs) : readImmediate(entry.operands.immediate, random()),
    rounding: pick(random, traps ? [0, 1, 2, 3, 4, 5, 6, 7, 7, 7, 7] : [0, 1, 2, 3, 4, 7, 7, 7]),
  });
  const decoded = decode(word);
  if (decoded?.entry !== entry) return undefined;

  const hart = emptyHart();
  for (const n of registers.x) hart.x[n] = n === 0 ? 0n : anyInteger(random);
  for (const n of registers.f) hart.f[n] = anyFloat(random);
  hart.fflags = below(random, 2) === 0 ? 0 : below(random, 32);
  hart.frm = below(random, traps && below(random, 8) === 0 ? 8 : 5);
  hart.fs = traps ? pick(random, [0, 1, 2, 3, 3, 3, 3, 3]) : 3;
  const { operands } = decoded;
  if (float !== undefined && below(random, 8) !== 0) {
    const values = randomOperands(float, random);
    const sources = (['rs1', 'rs2', 'rs3'] as const).slice(0, FLOAT_OPERATIONS[float].arity);
    sources.forEach((name, index) => {
      const value = values[index]!;
      const single = /^f32\.(?!from_f64)|from_f32/.test(float);
      if (base.floatOperands.includes(name)) hart.f[operands[name]] = single ? value | 0xffff_ffff_0000_0000n : value;
      else if (operands[name] !== 0) hart.x[operands[name]] = value;
    });
  }
  if (access !== undefined) {
    const { base: start, length } = options.window;
    let address = start + BigInt(below(random, length - access.bytes + 1));
    if (access.atomic && !(traps && below(random, 8) === 0)) address -= address % BigInt(access.bytes);
    // Beyond the machine's memory; aligned, since no more than one trap should be due.
    if (traps && below(random, 16) === 0) address = 0x9000_0000n;
    hart.x[operands.rs1] = BigInt.asUintN(64, address - BigInt(operands.immediate));
  }
  return { word, decoded, hart };
}
