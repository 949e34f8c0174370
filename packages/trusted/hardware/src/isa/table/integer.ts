import { IMMEDIATE, RD, RS1, RS2 } from '../operands.ts';
import {
  add,
  and,
  branch,
  csr,
  eq,
  extend_s,
  extend_u,
  fence,
  ge_s,
  ge_u,
  immediate,
  jump,
  letBe,
  load,
  lt_s,
  lt_u,
  ne,
  nextPc,
  or,
  pc,
  rs1,
  rs2,
  setX,
  shl,
  shr_s,
  shr_u,
  store,
  sub,
  system,
  variable,
  wrap,
  xor,
} from '../semantics.ts';
import { formats, OPCODE } from './formats.ts';

const { I, R, S, B, U, J, shift5, shift6 } = formats('i');
const word = extend_s;

/** RV64I (unprivileged specification, RV32I and RV64I chapters). */
export const INTEGER = [
  U('lui', OPCODE.lui, setX(immediate)),
  U('auipc', OPCODE.auipc, setX(add(pc, immediate))),
  J('jal', OPCODE.jal, letBe('target', add(pc, immediate)), setX(nextPc), jump(variable('i64', 'target'))),
  I('jalr', OPCODE.jalr, 0, letBe('target', add(rs1, immediate)), setX(nextPc), jump(variable('i64', 'target'))),
  B('beq', OPCODE.branch, 0, branch(eq(rs1, rs2))),
  B('bne', OPCODE.branch, 1, branch(ne(rs1, rs2))),
  B('blt', OPCODE.branch, 4, branch(lt_s(rs1, rs2))),
  B('bge', OPCODE.branch, 5, branch(ge_s(rs1, rs2))),
  B('bltu', OPCODE.branch, 6, branch(lt_u(rs1, rs2))),
  B('bgeu', OPCODE.branch, 7, branch(ge_u(rs1, rs2))),
  I('lb', OPCODE.load, 0, setX(load(1, true, add(rs1, immediate)))),
  I('lh', OPCODE.load, 1, setX(load(2, true, add(rs1, immediate)))),
  I('lw', OPCODE.load, 2, setX(load(4, true, add(rs1, immediate)))),
  I('ld', OPCODE.load, 3, setX(load(8, true, add(rs1, immediate)))),
  I('lbu', OPCODE.load, 4, setX(load(1, false, add(rs1, immediate)))),
  I('lhu', OPCODE.load, 5, setX(load(2, false, add(rs1, immediate)))),
  I('lwu', OPCODE.load, 6, setX(load(4, false, add(rs1, immediate)))),
  S('sb', OPCODE.store, 0, store(1, add(rs1, immediate), rs2)),
  S('sh', OPCODE.store, 1, store(2, add(rs1, immediate), rs2)),
  S('sw', OPCODE.store, 2, store(4, add(rs1, immediate), rs2)),
  S('sd', OPCODE.store, 3, store(8, add(rs1, immediate), rs2)),
  I('addi', OPCODE.opImmediate, 0, setX(add(rs1, immediate))),
  I('slti', OPCODE.opImmediate, 2, setX(extend_u(lt_s(rs1, immediate)))),
  I('sltiu', OPCODE.opImmediate, 3, setX(extend_u(lt_u(rs1, immediate)))),
  I('xori', OPCODE.opImmediate, 4, setX(xor(rs1, immediate))),
  I('ori', OPCODE.opImmediate, 6, setX(or(rs1, immediate))),
  I('andi', OPCODE.opImmediate, 7, setX(and(rs1, immediate))),
  shift6('slli', OPCODE.opImmediate, 1, 0x00, setX(shl(rs1, immediate))),
  shift6('srli', OPCODE.opImmediate, 5, 0x00, setX(shr_u(rs1, immediate))),
  shift6('srai', OPCODE.opImmediate, 5, 0x10, setX(shr_s(rs1, immediate))),
  R('add', OPCODE.op, 0, 0x00, setX(add(rs1, rs2))),
  R('sub', OPCODE.op, 0, 0x20, setX(sub(rs1, rs2))),
  R('sll', OPCODE.op, 1, 0x00, setX(shl(rs1, rs2))),
  R('slt', OPCODE.op, 2, 0x00, setX(extend_u(lt_s(rs1, rs2)))),
  R('sltu', OPCODE.op, 3, 0x00, setX(extend_u(lt_u(rs1, rs2)))),
  R('xor', OPCODE.op, 4, 0x00, setX(xor(rs1, rs2))),
  R('srl', OPCODE.op, 5, 0x00, setX(shr_u(rs1, rs2))),
  R('sra', OPCODE.op, 5, 0x20, setX(shr_s(rs1, rs2))),
  R('or', OPCODE.op, 6, 0x00, setX(or(rs1, rs2))),
  R('and', OPCODE.op, 7, 0x00, setX(and(rs1, rs2))),
  I('addiw', OPCODE.opImmediate32, 0, setX(word(wrap(add(rs1, immediate))))),
  shift5('slliw', OPCODE.opImmediate32, 1, 0x00, setX(word(shl(wrap(rs1), wrap(immediate))))),
  shift5('srliw', OPCODE.opImmediate32, 5, 0x00, setX(word(shr_u(wrap(rs1), wrap(immediate))))),
  shift5('sraiw', OPCODE.opImmediate32, 5, 0x20, setX(word(shr_s(wrap(rs1), wrap(immediate))))),
  R('addw', OPCODE.op32, 0, 0x00, setX(word(wrap(add(rs1, rs2))))),
  R('subw', OPCODE.op32, 0, 0x20, setX(word(wrap(sub(rs1, rs2))))),
  R('sllw', OPCODE.op32, 1, 0x00, setX(word(shl(wrap(rs1), wrap(rs2))))),
  R('srlw', OPCODE.op32, 5, 0x00, setX(word(shr_u(wrap(rs1), wrap(rs2))))),
  R('sraw', OPCODE.op32, 5, 0x20, setX(word(shr_s(wrap(rs1), wrap(rs2))))),
  I('fence', OPCODE.miscMemory, 0, fence),
];

const environment = formats('i').fixed;
const privileged = formats('system').fixed;
const supervisor = formats('s').fixed;
const invalidate = formats('svinval').fixed;
const zicsr = formats('zicsr');
const csrOperands = { rd: RD, rs1: RS1, immediate: IMMEDIATE.csr };
const csrEntry = (name: string, funct3: number, ...semantics: Parameters<typeof csr>) =>
  zicsr.entry(name, OPCODE.system | (funct3 << 12), 0x707f, csrOperands, [csr(...semantics)]);

/** Environment calls, trap returns, CSR accesses, fences of translations (privileged specification, §3.3, §10.2). */
export const PRIVILEGED = [
  environment('ecall', 0x0000_0073, {}, 0xffff_ffff, system('ecall')),
  environment('ebreak', 0x0010_0073, {}, 0xffff_ffff, system('ebreak')),
  supervisor('sret', 0x1020_0073, {}, 0xffff_ffff, system('sret')),
  privileged('mret', 0x3020_0073, {}, 0xffff_ffff, system('mret')),
  privileged('wfi', 0x1050_0073, {}, 0xffff_ffff, system('wfi')),
  supervisor('sfence.vma', 0x1200_0073, { rs1: RS1, rs2: RS2 }, 0xfe00_7fff, system('sfence.vma')),
  invalidate('sinval.vma', 0x1600_0073, { rs1: RS1, rs2: RS2 }, 0xfe00_7fff, system('sfence.vma')),
  invalidate('sfence.w.inval', 0x1800_0073, {}, 0xffff_ffff, system('sfence.order')),
  invalidate('sfence.inval.ir', 0x1810_0073, {}, 0xffff_ffff, system('sfence.order')),
  formats('zifencei').I('fence.i', OPCODE.miscMemory, 1, system('fence.i')),
  csrEntry('csrrw', 1, 'rw', 'x'),
  csrEntry('csrrs', 2, 'rs', 'x'),
  csrEntry('csrrc', 3, 'rc', 'x'),
  csrEntry('csrrwi', 5, 'rw', 'immediate'),
  csrEntry('csrrsi', 6, 'rs', 'immediate'),
  csrEntry('csrrci', 7, 'rc', 'immediate'),
];

const cbo = (name: string, funct12: number, extension: 'zicbom' | 'zicboz', action: Parameters<typeof system>[0]) =>
  formats(extension).fixed(name, 0x200f | (funct12 << 20), { rs1: RS1 }, 0xfff0_7fff, system(action));

/** Cache-block operations (CMO §2); Zicbop's prefetches are encodings of `ori x0` and need no entry. */
export const CACHE_BLOCK = [
  cbo('cbo.inval', 0, 'zicbom', 'cbo.inval'),
  cbo('cbo.clean', 1, 'zicbom', 'cbo.clean'),
  cbo('cbo.flush', 2, 'zicbom', 'cbo.clean'),
  cbo('cbo.zero', 4, 'zicboz', 'cbo.zero'),
];
