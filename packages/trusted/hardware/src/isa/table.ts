import type { BaseInstruction, Instruction } from './instruction.ts';
import { ADDRESS, BASIC, CARRY_LESS, SINGLE_BIT } from './table/bit-manipulation.ts';
import { COMPRESSED } from './table/compressed.ts';
import { FLOATING_POINT } from './table/floating-point.ts';
import { CACHE_BLOCK, INTEGER, PRIVILEGED } from './table/integer.ts';
import { ATOMIC, MULTIPLY } from './table/multiply-atomic.ts';

/** Every 32-bit instruction of the machine, once. */
export const BASE_INSTRUCTIONS: readonly BaseInstruction[] = [
  ...INTEGER,
  ...MULTIPLY,
  ...ATOMIC,
  ...ADDRESS,
  ...BASIC,
  ...SINGLE_BIT,
  ...CARRY_LESS,
  ...FLOATING_POINT,
  ...PRIVILEGED,
  ...CACHE_BLOCK,
];

/** The one table of instructions: decoder, interpreter, assembler, disassembler and evaluator are made from it. */
export const INSTRUCTIONS: readonly Instruction[] = [...BASE_INSTRUCTIONS, ...COMPRESSED];

const BY_NAME: ReadonlyMap<string, Instruction> = new Map(INSTRUCTIONS.map((entry) => [entry.name, entry]));

/** @throws if there is no such instruction. */
export function instructionNamed(name: string): Instruction {
  const entry = BY_NAME.get(name);
  if (entry === undefined) throw new Error(`Unknown instruction "${name}"`);
  return entry;
}

/** @throws if there is no such 32-bit instruction. */
export function baseInstructionNamed(name: string): BaseInstruction {
  const entry = instructionNamed(name);
  if (entry.length !== 4) throw new Error(`Instruction "${name}" is a compressed one`);
  return entry;
}
