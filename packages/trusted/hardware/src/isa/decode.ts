import type { BaseInstruction, Instruction } from './instruction.ts';
import { type OperandValues, readOperands } from './operands.ts';
import { baseInstructionNamed, INSTRUCTIONS } from './table.ts';

export interface Decoded {
  /** The table's entry for the word itself, compressed or not. */
  readonly entry: Instruction;
  /** What it means: the entry, or the one that it expands to. */
  readonly base: BaseInstruction;
  readonly length: 2 | 4;
  readonly operands: OperandValues;
}

interface Candidate {
  readonly entry: Instruction;
  readonly base: BaseInstruction;
}

/** Candidates by opcode and funct3 (32-bit), or by quadrant and funct3 (16-bit), in the table's order. */
const BUCKETS: readonly (readonly Candidate[])[] = (() => {
  const buckets: Candidate[][] = Array.from({ length: 1024 + 32 }, () => []);
  for (const entry of INSTRUCTIONS) {
    const base = entry.length === 4 ? entry : baseInstructionNamed(entry.expandsTo);
    for (let funct3 = 0; funct3 < 8; funct3 += 1) {
      const shift = entry.length === 4 ? 12 : 13;
      if ((((entry.match >>> shift) ^ funct3) & (entry.mask >>> shift) & 7) !== 0) continue;
      buckets[bucket(entry.match, funct3)]!.push({ entry, base });
    }
  }
  return buckets;
})();

function bucket(word: number, funct3: number): number {
  return (word & 3) === 3 ? ((word & 0x7f) << 3) | funct3 : 1024 + ((word & 3) << 3) + funct3;
}

/** Decodes a word (its upper half is ignored for a 16-bit instruction); undefined: illegal. */
export function decode(word: number): Decoded | undefined {
  const compressed = (word & 3) !== 3;
  const bits = compressed ? word & 0xffff : word;
  for (const { entry, base } of BUCKETS[bucket(bits, (bits >>> (compressed ? 13 : 12)) & 7)]!) {
    if ((bits & entry.mask) >>> 0 !== entry.match) continue;
    const operands = readOperands(entry.operands, bits);
    if (entry.length === 2 && entry.nonzero.some((name) => operands[name] === 0)) continue;
    return { entry, base, length: entry.length, operands };
  }
  return undefined;
}
