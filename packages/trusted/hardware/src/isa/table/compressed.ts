import type { CompressedInstruction } from '../instruction.ts';
import { C_RD, C_RS1_P, C_RS2, C_RS2_P, fixed, fixedImmediate, IMMEDIATE, type Operands } from '../operands.ts';

type Nonzero = CompressedInstruction['nonzero'];

const entry = (
  name: string,
  match: number,
  mask: number,
  expandsTo: string,
  operands: Operands,
  nonzero: Nonzero = [],
): CompressedInstruction => ({ name, extension: 'c', match, mask, length: 2, operands, expandsTo, nonzero });

const zero = fixed(0);
const ra = fixed(1);
const sp = fixed(2);
const same = { rd: C_RD, rs1: C_RD };
const sameP = { rd: C_RS1_P, rs1: C_RS1_P };
const arithmeticP = { ...sameP, rs2: C_RS2_P };
const loadP = { rd: C_RS2_P, rs1: C_RS1_P };
const storeP = { rs2: C_RS2_P, rs1: C_RS1_P };

/**
 * C for RV64 with F and D: each stands for a base instruction (§26, "instruction set listings"). Where two entries
 * match, the first is meant. HINTs are what they expand to, which writes x0 or changes nothing.
 */
export const COMPRESSED: readonly CompressedInstruction[] = [
  entry('c.addi4spn', 0x0000, 0xe003, 'addi', { rd: C_RS2_P, rs1: sp, immediate: IMMEDIATE.cAddi4spn }, ['immediate']),
  entry('c.fld', 0x2000, 0xe003, 'fld', { ...loadP, immediate: IMMEDIATE.cDouble }),
  entry('c.lw', 0x4000, 0xe003, 'lw', { ...loadP, immediate: IMMEDIATE.cWord }),
  entry('c.ld', 0x6000, 0xe003, 'ld', { ...loadP, immediate: IMMEDIATE.cDouble }),
  entry('c.fsd', 0xa000, 0xe003, 'fsd', { ...storeP, immediate: IMMEDIATE.cDouble }),
  entry('c.sw', 0xc000, 0xe003, 'sw', { ...storeP, immediate: IMMEDIATE.cWord }),
  entry('c.sd', 0xe000, 0xe003, 'sd', { ...storeP, immediate: IMMEDIATE.cDouble }),
  entry('c.nop', 0x0001, 0xef83, 'addi', { rd: zero, rs1: zero, immediate: IMMEDIATE.cSix }),
  entry('c.addi', 0x0001, 0xe003, 'addi', { ...same, immediate: IMMEDIATE.cSix }),
  entry('c.addiw', 0x2001, 0xe003, 'addiw', { ...same, immediate: IMMEDIATE.cSix }, ['rd']),
  entry('c.li', 0x4001, 0xe003, 'addi', { rd: C_RD, rs1: zero, immediate: IMMEDIATE.cSix }),
  entry('c.addi16sp', 0x6101, 0xef83, 'addi', { rd: sp, rs1: sp, immediate: IMMEDIATE.cAddi16sp }, ['immediate']),
  entry('c.lui', 0x6001, 0xe003, 'lui', { rd: C_RD, immediate: IMMEDIATE.cLui }, ['immediate']),
  entry('c.srli', 0x8001, 0xec03, 'srli', { ...sameP, immediate: IMMEDIATE.cShift }),
  entry('c.srai', 0x8401, 0xec03, 'srai', { ...sameP, immediate: IMMEDIATE.cShift }),
  entry('c.andi', 0x8801, 0xec03, 'andi', { ...sameP, immediate: IMMEDIATE.cSix }),
  entry('c.sub', 0x8c01, 0xfc63, 'sub', arithmeticP),
  entry('c.xor', 0x8c21, 0xfc63, 'xor', arithmeticP),
  entry('c.or', 0x8c41, 0xfc63, 'or', arithmeticP),
  entry('c.and', 0x8c61, 0xfc63, 'and', arithmeticP),
  entry('c.subw', 0x9c01, 0xfc63, 'subw', arithmeticP),
  entry('c.addw', 0x9c21, 0xfc63, 'addw', arithmeticP),
  entry('c.j', 0xa001, 0xe003, 'jal', { rd: zero, immediate: IMMEDIATE.cJump }),
  entry('c.beqz', 0xc001, 0xe003, 'beq', { rs1: C_RS1_P, rs2: zero, immediate: IMMEDIATE.cBranch }),
  entry('c.bnez', 0xe001, 0xe003, 'bne', { rs1: C_RS1_P, rs2: zero, immediate: IMMEDIATE.cBranch }),
  entry('c.slli', 0x0002, 0xe003, 'slli', { ...same, immediate: IMMEDIATE.cShift }),
  entry('c.fldsp', 0x2002, 0xe003, 'fld', { rd: C_RD, rs1: sp, immediate: IMMEDIATE.cDoubleFromSp }),
  entry('c.lwsp', 0x4002, 0xe003, 'lw', { rd: C_RD, rs1: sp, immediate: IMMEDIATE.cWordFromSp }, ['rd']),
  entry('c.ldsp', 0x6002, 0xe003, 'ld', { rd: C_RD, rs1: sp, immediate: IMMEDIATE.cDoubleFromSp }, ['rd']),
  entry('c.jr', 0x8002, 0xf07f, 'jalr', { rd: zero, rs1: C_RD, immediate: fixedImmediate(0) }, ['rs1']),
  entry('c.mv', 0x8002, 0xf003, 'add', { rd: C_RD, rs1: zero, rs2: C_RS2 }, ['rs2']),
  entry('c.ebreak', 0x9002, 0xffff, 'ebreak', {}),
  entry('c.jalr', 0x9002, 0xf07f, 'jalr', { rd: ra, rs1: C_RD, immediate: fixedImmediate(0) }, ['rs1']),
  entry('c.add', 0x9002, 0xf003, 'add', { ...same, rs2: C_RS2 }, ['rs2']),
  entry('c.fsdsp', 0xa002, 0xe003, 'fsd', { rs1: sp, rs2: C_RS2, immediate: IMMEDIATE.cDoubleToSp }),
  entry('c.swsp', 0xc002, 0xe003, 'sw', { rs1: sp, rs2: C_RS2, immediate: IMMEDIATE.cWordToSp }),
  entry('c.sdsp', 0xe002, 0xe003, 'sd', { rs1: sp, rs2: C_RS2, immediate: IMMEDIATE.cDoubleToSp }),
];
