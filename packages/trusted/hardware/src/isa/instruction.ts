import type { Operands } from './operands.ts';
import type { Statement } from './semantics.ts';

/** Extensions as riscv,isa-extensions spells them; `s` and `system` stand for the privileged architecture's own. */
export type Extension =
  | 'i'
  | 'm'
  | 'a'
  | 'f'
  | 'd'
  | 'c'
  | 'zicsr'
  | 'zifencei'
  | 'zba'
  | 'zbb'
  | 'zbs'
  | 'zbc'
  | 'zicbom'
  | 'zicboz'
  | 'svinval'
  | 'system'
  | 's';

interface Encoded {
  /** As the assembler spells it. */
  readonly name: string;
  readonly extension: Extension;
  /** A word w is this instruction if (w & mask) === match. */
  readonly match: number;
  readonly mask: number;
  readonly operands: Operands;
}

export interface BaseInstruction extends Encoded {
  readonly length: 4;
  readonly semantics: readonly Statement[];
  /** Reads or writes floating-point state: illegal while mstatus.FS is Off. */
  readonly floating: boolean;
  /** Register files of the operands that are not integer registers, for assembler and disassembler. */
  readonly floatOperands: readonly ('rd' | 'rs1' | 'rs2' | 'rs3')[];
}

export interface CompressedInstruction extends Encoded {
  readonly length: 2;
  /** The base instruction that this one stands for; its operands are those of `operands`. */
  readonly expandsTo: string;
  /** Encodings with a zero here are reserved or belong to another instruction. */
  readonly nonzero: readonly ('rd' | 'rs1' | 'rs2' | 'immediate')[];
}

export type Instruction = BaseInstruction | CompressedInstruction;
