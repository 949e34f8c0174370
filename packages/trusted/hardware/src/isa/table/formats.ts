import type { BaseInstruction, Extension } from '../instruction.ts';
import { IMMEDIATE, type ImmediateField, type Operands, RD, RS1, RS2, RS3 } from '../operands.ts';
import type { Statement } from '../semantics.ts';

/** Major opcodes, bits 6:0 (unprivileged specification, "RV32/64G Instruction Set Listings"). */
export const OPCODE = {
  load: 0x03,
  loadFloat: 0x07,
  miscMemory: 0x0f,
  opImmediate: 0x13,
  auipc: 0x17,
  opImmediate32: 0x1b,
  store: 0x23,
  storeFloat: 0x27,
  amo: 0x2f,
  op: 0x33,
  lui: 0x37,
  op32: 0x3b,
  fma: 0x43,
  fms: 0x47,
  fnms: 0x4b,
  fnma: 0x4f,
  opFloat: 0x53,
  branch: 0x63,
  jalr: 0x67,
  jal: 0x6f,
  system: 0x73,
} as const;

/** Constructors of one extension's entries, one for each format. */
export function formats(extension: Extension) {
  const entry = (
    name: string,
    match: number,
    mask: number,
    operands: Operands,
    semantics: readonly Statement[],
  ): BaseInstruction => ({
    name,
    extension,
    match: match >>> 0,
    mask: mask >>> 0,
    length: 4,
    operands,
    semantics,
    floating: false,
    floatOperands: [],
  });
  const withFunct3 =
    (operands: Operands) =>
    (name: string, opcode: number, funct3: number, ...semantics: Statement[]) =>
      entry(name, opcode | (funct3 << 12), 0x707f, operands, semantics);
  const shift =
    (immediate: ImmediateField, funct: number, mask: number) =>
    (name: string, opcode: number, funct3: number, ...semantics: Statement[]) =>
      entry(name, opcode | (funct3 << 12) | funct, mask, { rd: RD, rs1: RS1, immediate }, semantics);
  return {
    entry,
    R: (name: string, opcode: number, funct3: number, funct7: number, ...semantics: Statement[]) =>
      entry(name, opcode | (funct3 << 12) | (funct7 << 25), 0xfe00707f, { rd: RD, rs1: RS1, rs2: RS2 }, semantics),
    I: withFunct3({ rd: RD, rs1: RS1, immediate: IMMEDIATE.I }),
    S: withFunct3({ rs1: RS1, rs2: RS2, immediate: IMMEDIATE.S }),
    B: withFunct3({ rs1: RS1, rs2: RS2, immediate: IMMEDIATE.B }),
    U: (name: string, opcode: number, ...semantics: Statement[]) =>
      entry(name, opcode, 0x7f, { rd: RD, immediate: IMMEDIATE.U }, semantics),
    J: (name: string, opcode: number, ...semantics: Statement[]) =>
      entry(name, opcode, 0x7f, { rd: RD, immediate: IMMEDIATE.J }, semantics),
    /** One source, the rest of the word fixed (Zbb). */
    unary: (name: string, opcode: number, funct3: number, funct12: number, ...semantics: Statement[]) =>
      entry(name, opcode | (funct3 << 12) | (funct12 << 20), 0xfff0707f, { rd: RD, rs1: RS1 }, semantics),
    /** Shift by a 6-bit or 5-bit amount; `funct` is funct6 or funct7. */
    shift6: (name: string, opcode: number, funct3: number, funct6: number, ...semantics: Statement[]) =>
      shift(IMMEDIATE.shift6, funct6 << 26, 0xfc00707f)(name, opcode, funct3, ...semantics),
    shift5: (name: string, opcode: number, funct3: number, funct7: number, ...semantics: Statement[]) =>
      shift(IMMEDIATE.shift5, funct7 << 25, 0xfe00707f)(name, opcode, funct3, ...semantics),
    /** A word without operands, or with the ones named. */
    fixed: (name: string, match: number, operands: Operands, mask: number, ...semantics: Statement[]) =>
      entry(name, match, mask, operands, semantics),
  };
}

type FloatOperand = 'rd' | 'rs1' | 'rs2' | 'rs3';

/** Constructors of the floating-point entries. `float` names the operands that are f registers. */
export function floatFormats(extension: 'f' | 'd') {
  const entry = (
    name: string,
    match: number,
    mask: number,
    operands: Operands,
    float: readonly FloatOperand[],
    semantics: readonly Statement[],
  ): BaseInstruction => ({
    name,
    extension,
    match: match >>> 0,
    mask: mask >>> 0,
    length: 4,
    operands,
    semantics,
    floating: true,
    floatOperands: float,
  });
  return {
    load: (name: string, funct3: number, ...semantics: Statement[]) =>
      entry(
        name,
        OPCODE.loadFloat | (funct3 << 12),
        0x707f,
        { rd: RD, rs1: RS1, immediate: IMMEDIATE.I },
        ['rd'],
        semantics,
      ),
    store: (name: string, funct3: number, ...semantics: Statement[]) =>
      entry(
        name,
        OPCODE.storeFloat | (funct3 << 12),
        0x707f,
        { rs1: RS1, rs2: RS2, immediate: IMMEDIATE.S },
        ['rs2'],
        semantics,
      ),
    /** Fused: three sources and a rounding mode. */
    R4: (name: string, opcode: number, format: number, ...semantics: Statement[]) =>
      entry(
        name,
        opcode | (format << 25),
        0x0600007f,
        { rd: RD, rs1: RS1, rs2: RS2, rs3: RS3, rounding: true },
        ['rd', 'rs1', 'rs2', 'rs3'],
        semantics,
      ),
    /** Two sources and a rounding mode. */
    rounding2: (name: string, funct7: number, ...semantics: Statement[]) =>
      entry(
        name,
        OPCODE.opFloat | (funct7 << 25),
        0xfe00007f,
        { rd: RD, rs1: RS1, rs2: RS2, rounding: true },
        ['rd', 'rs1', 'rs2'],
        semantics,
      ),
    /** One source and a rounding mode; the rs2 field selects the operation. */
    rounding1: (
      name: string,
      funct7: number,
      selector: number,
      float: readonly FloatOperand[],
      ...semantics: Statement[]
    ) =>
      entry(
        name,
        OPCODE.opFloat | (funct7 << 25) | (selector << 20),
        0xfff0007f,
        { rd: RD, rs1: RS1, rounding: true },
        float,
        semantics,
      ),
    /** Two sources, no rounding. */
    plain2: (name: string, funct7: number, funct3: number, float: readonly FloatOperand[], ...semantics: Statement[]) =>
      entry(
        name,
        OPCODE.opFloat | (funct7 << 25) | (funct3 << 12),
        0xfe00707f,
        { rd: RD, rs1: RS1, rs2: RS2 },
        float,
        semantics,
      ),
    /** One source, no rounding. */
    plain1: (
      name: string,
      funct7: number,
      selector: number,
      funct3: number,
      float: readonly FloatOperand[],
      ...semantics: Statement[]
    ) =>
      entry(
        name,
        OPCODE.opFloat | (funct7 << 25) | (selector << 20) | (funct3 << 12),
        0xfff0707f,
        { rd: RD, rs1: RS1 },
        float,
        semantics,
      ),
  };
}
