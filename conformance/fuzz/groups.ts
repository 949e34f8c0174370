import type { BaseInstruction, Instruction } from '../../packages/trusted/hardware/src/isa/instruction.ts';
import { baseInstructionNamed, INSTRUCTIONS, instructionNamed } from '../../packages/trusted/hardware/src/isa/table.ts';

export const baseOf = (entry: Instruction): BaseInstruction =>
  entry.length === 4 ? entry : baseInstructionNamed(entry.expandsTo);

const has = (entry: Instruction, pattern: RegExp): boolean =>
  pattern.test(
    JSON.stringify(baseOf(entry).semantics, (_, value) => (typeof value === 'bigint' ? String(value) : value)),
  );
const isControl = (entry: Instruction): boolean => has(entry, /"do":"(jump|branch)"/);
const isAccess = (entry: Instruction): boolean => has(entry, /"op":"load"|"do":"store"/);
const isAtomic = (entry: Instruction): boolean => has(entry, /"op":"(amo|loadReserved|storeConditional)"/);
const isSystem = (entry: Instruction): boolean => has(entry, /"do":"(csr|system|fence)"/);

/** c.addi16sp moves a base register and has an item of its own. */
const plain = INSTRUCTIONS.filter(
  (entry) =>
    !isControl(entry) && !isAccess(entry) && !isAtomic(entry) && !isSystem(entry) && entry.name !== 'c.addi16sp',
);

/** The instruction table by what a body must take care of. */
export const GROUPS = {
  integer: plain.filter((entry) => entry.length === 4 && !baseOf(entry).floating),
  compressedInteger: plain.filter((entry) => entry.length === 2),
  float: plain.filter((entry) => baseOf(entry).floating),
  accesses: INSTRUCTIONS.filter(isAccess),
  atomics: INSTRUCTIONS.filter((entry) => has(entry, /"op":"amo"/)),
  branches: INSTRUCTIONS.filter((entry) => has(entry, /"do":"branch"/)),
  named: instructionNamed,
} as const;
