import type { Instruction } from './instruction.ts';
import { placeImmediate, placeRegister } from './operands.ts';
import { instructionNamed } from './table.ts';

/** Operands by field; registers by number. What an encoding implies may be left out. */
export interface AssemblyOperands {
  readonly rd?: number;
  readonly rs1?: number;
  readonly rs2?: number;
  readonly rs3?: number;
  readonly immediate?: number;
  /** Rounding mode 0..7; absent: dynamic (7). */
  readonly rounding?: number;
}

/**
 * Encodes one instruction.
 * @throws if there is no such instruction or an operand does not fit its field.
 */
export function assemble(name: string, operands: AssemblyOperands = {}): number {
  return encodeInstruction(instructionNamed(name), operands);
}

export function encodeInstruction(entry: Instruction, operands: AssemblyOperands): number {
  let word = entry.match;
  for (const key of ['rd', 'rs1', 'rs2', 'rs3'] as const) {
    const field = entry.operands[key];
    if (field === undefined) continue;
    const placed = placeRegister(field, operands[key] ?? field.fixed ?? 0);
    if (placed === undefined) throw new Error(`Register ${operands[key]} does not fit "${key}" of "${entry.name}"`);
    word |= placed;
  }
  if (entry.operands.immediate !== undefined) {
    const value = operands.immediate ?? entry.operands.immediate.fixed ?? 0;
    const placed = placeImmediate(entry.operands.immediate, value);
    if (placed === undefined) throw new Error(`Immediate ${value} does not fit "${entry.name}"`);
    word |= placed;
  }
  if (entry.operands.rounding === true) word |= (operands.rounding ?? 7) << 12;
  return word >>> 0;
}

/** Assembles a sequence into bytes, little-endian. */
export function assembleAll(lines: readonly (readonly [name: string, operands?: AssemblyOperands])[]): Uint8Array {
  const bytes: number[] = [];
  for (const [name, operands] of lines) {
    const word = assemble(name, operands);
    bytes.push(word & 0xff, (word >>> 8) & 0xff);
    if (instructionNamed(name).length === 4) bytes.push((word >>> 16) & 0xff, word >>> 24);
  }
  return Uint8Array.from(bytes);
}
