/**
 * How operands lie in an instruction word. Decoder, assembler and disassembler all read these records; bit positions
 * are those of the unprivileged specification's format tables (§2.2, §2.3; C: §26.3).
 */
export interface RegisterField {
  /** Lowest bit, and width: 5 bits name any register, 3 bits x8..x15 (or f8..f15). */
  readonly at?: number;
  readonly bits?: 3 | 5;
  /** A register that the encoding implies. */
  readonly fixed?: number;
}

export interface ImmediateField {
  /** [lowest bit in the word, width, lowest bit in the immediate], any order. */
  readonly pieces: readonly (readonly [at: number, bits: number, to: number])[];
  readonly signed: boolean;
  /** An immediate that the encoding implies; `pieces` is empty then. */
  readonly fixed?: number;
}

export interface Operands {
  readonly rd?: RegisterField;
  readonly rs1?: RegisterField;
  readonly rs2?: RegisterField;
  readonly rs3?: RegisterField;
  readonly immediate?: ImmediateField;
  /** The instruction has a rounding-mode field (bits 14:12). */
  readonly rounding?: true;
}

/** The operands' values. Registers by number; the immediate as a signed 32-bit number; rounding 0..7. */
export interface OperandValues {
  readonly rd: number;
  readonly rs1: number;
  readonly rs2: number;
  readonly rs3: number;
  readonly immediate: number;
  readonly rounding: number;
}

const at = (lowest: number, bits: 3 | 5 = 5): RegisterField => ({ at: lowest, bits });
export const RD = at(7);
export const RS1 = at(15);
export const RS2 = at(20);
export const RS3 = at(27);
/** Compressed register fields: full ones, and the three-bit ones written with a prime. */
export const C_RD = at(7);
export const C_RS2 = at(2);
export const C_RS1_P = at(7, 3);
export const C_RS2_P = at(2, 3);
export const fixed = (register: number): RegisterField => ({ fixed: register });

const signed = (...pieces: [number, number, number][]): ImmediateField => ({ pieces, signed: true });
const unsigned = (...pieces: [number, number, number][]): ImmediateField => ({ pieces, signed: false });
export const fixedImmediate = (value: number): ImmediateField => ({ pieces: [], signed: true, fixed: value });

export const IMMEDIATE = {
  I: signed([20, 12, 0]),
  S: signed([25, 7, 5], [7, 5, 0]),
  B: signed([31, 1, 12], [7, 1, 11], [25, 6, 5], [8, 4, 1]),
  U: signed([12, 20, 12]),
  J: signed([31, 1, 20], [12, 8, 12], [20, 1, 11], [21, 10, 1]),
  shift5: unsigned([20, 5, 0]),
  shift6: unsigned([20, 6, 0]),
  csr: unsigned([20, 12, 0]),
  /** C: named by the instruction group that uses them. */
  cAddi4spn: unsigned([11, 2, 4], [7, 4, 6], [6, 1, 2], [5, 1, 3]),
  cWord: unsigned([10, 3, 3], [6, 1, 2], [5, 1, 6]),
  cDouble: unsigned([10, 3, 3], [5, 2, 6]),
  cSix: signed([12, 1, 5], [2, 5, 0]),
  cShift: unsigned([12, 1, 5], [2, 5, 0]),
  cAddi16sp: signed([12, 1, 9], [6, 1, 4], [5, 1, 6], [3, 2, 7], [2, 1, 5]),
  cLui: signed([12, 1, 17], [2, 5, 12]),
  cJump: signed([12, 1, 11], [11, 1, 4], [9, 2, 8], [8, 1, 10], [7, 1, 6], [6, 1, 7], [3, 3, 1], [2, 1, 5]),
  cBranch: signed([12, 1, 8], [10, 2, 3], [5, 2, 6], [3, 2, 1], [2, 1, 5]),
  cWordFromSp: unsigned([12, 1, 5], [4, 3, 2], [2, 2, 6]),
  cDoubleFromSp: unsigned([12, 1, 5], [5, 2, 3], [2, 3, 6]),
  cWordToSp: unsigned([9, 4, 2], [7, 2, 6]),
  cDoubleToSp: unsigned([10, 3, 3], [7, 3, 6]),
} as const satisfies Record<string, ImmediateField>;

export function readRegister(field: RegisterField | undefined, word: number): number {
  if (field === undefined) return 0;
  if (field.fixed !== undefined) return field.fixed;
  const raw = (word >>> field.at!) & ((1 << field.bits!) - 1);
  return field.bits === 3 ? raw + 8 : raw;
}

export function readImmediate(field: ImmediateField | undefined, word: number): number {
  if (field === undefined) return 0;
  if (field.fixed !== undefined) return field.fixed;
  let value = 0;
  let top = 0;
  for (const [lowest, bits, to] of field.pieces) {
    value |= ((word >>> lowest) & (2 ** bits - 1)) << to;
    top = Math.max(top, to + bits);
  }
  return field.signed && top < 32 ? (value << (32 - top)) >> (32 - top) : value;
}

/** The register's bits in the word; undefined if the field cannot name it. */
export function placeRegister(field: RegisterField, register: number): number | undefined {
  if (field.fixed !== undefined) return register === field.fixed ? 0 : undefined;
  const raw = field.bits === 3 ? register - 8 : register;
  return raw >= 0 && raw < 1 << field.bits! ? raw << field.at! : undefined;
}

/** The immediate's bits in the word; undefined if the field cannot hold it. */
export function placeImmediate(field: ImmediateField, value: number): number | undefined {
  if (field.fixed !== undefined) return value === field.fixed ? 0 : undefined;
  let word = 0;
  for (const [lowest, bits, to] of field.pieces) word |= ((value >> to) & (2 ** bits - 1)) << lowest;
  return readImmediate(field, word) === value ? word >>> 0 : undefined;
}

export function readOperands(operands: Operands, word: number): OperandValues {
  return {
    rd: readRegister(operands.rd, word),
    rs1: readRegister(operands.rs1, word),
    rs2: readRegister(operands.rs2, word),
    rs3: readRegister(operands.rs3, word),
    immediate: readImmediate(operands.immediate, word),
    rounding: operands.rounding === true ? (word >>> 12) & 7 : 0,
  };
}
