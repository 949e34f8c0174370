import {
  add,
  and,
  choose,
  clz,
  constant,
  ctz,
  type Expression,
  extend_s,
  extend_u,
  extendLow_s,
  immediate,
  lt_s,
  lt_u,
  mul,
  not,
  or,
  popcnt,
  product,
  rotl,
  rotr,
  rs1,
  rs2,
  setX,
  shl,
  shr_u,
  wrap,
  xor,
} from '../semantics.ts';
import { formats, OPCODE } from './formats.ts';

type I64 = Expression<'i64'>;
const zext32 = (a: I64): I64 => and(a, constant(0xffff_ffffn));
const one = constant(1);

const zba = formats('zba');
/** Zba: address generation. */
export const ADDRESS = [
  zba.R('sh1add', OPCODE.op, 2, 0x10, setX(add(rs2, shl(rs1, constant(1))))),
  zba.R('sh2add', OPCODE.op, 4, 0x10, setX(add(rs2, shl(rs1, constant(2))))),
  zba.R('sh3add', OPCODE.op, 6, 0x10, setX(add(rs2, shl(rs1, constant(3))))),
  zba.R('add.uw', OPCODE.op32, 0, 0x04, setX(add(rs2, zext32(rs1)))),
  zba.R('sh1add.uw', OPCODE.op32, 2, 0x10, setX(add(rs2, shl(zext32(rs1), constant(1))))),
  zba.R('sh2add.uw', OPCODE.op32, 4, 0x10, setX(add(rs2, shl(zext32(rs1), constant(2))))),
  zba.R('sh3add.uw', OPCODE.op32, 6, 0x10, setX(add(rs2, shl(zext32(rs1), constant(3))))),
  zba.shift6('slli.uw', OPCODE.opImmediate32, 1, 0x02, setX(shl(zext32(rs1), immediate))),
];

/** Each byte 0xff if any of its bits is set: carry out of the low seven bits, or the top bit, spread over the byte. */
const orCombine = (a: I64): I64 => {
  const low7 = constant(0x7f7f_7f7f_7f7f_7f7fn);
  const top = and(or(add(and(a, low7), low7), a), constant(0x8080_8080_8080_8080n));
  return mul(shr_u(top, constant(7)), constant(0xff));
};
/** Swaps neighbours of ever wider groups: bytes, halfwords, words. */
const reverseBytes = (a: I64): I64 => {
  const swap = (v: I64, bits: number, mask: bigint): I64 =>
    or(and(shr_u(v, constant(bits)), constant(mask)), shl(and(v, constant(mask)), constant(bits)));
  return rotl(swap(swap(a, 8, 0x00ff_00ff_00ff_00ffn), 16, 0x0000_ffff_0000_ffffn), constant(32));
};

const zbb = formats('zbb');
/** Zbb: basic bit manipulation. */
export const BASIC = [
  zbb.R('andn', OPCODE.op, 7, 0x20, setX(and(rs1, not(rs2)))),
  zbb.R('orn', OPCODE.op, 6, 0x20, setX(or(rs1, not(rs2)))),
  zbb.R('xnor', OPCODE.op, 4, 0x20, setX(not(xor(rs1, rs2)))),
  zbb.unary('clz', OPCODE.opImmediate, 1, 0x600, setX(clz(rs1))),
  zbb.unary('ctz', OPCODE.opImmediate, 1, 0x601, setX(ctz(rs1))),
  zbb.unary('cpop', OPCODE.opImmediate, 1, 0x602, setX(popcnt(rs1))),
  zbb.unary('clzw', OPCODE.opImmediate32, 1, 0x600, setX(extend_u(clz(wrap(rs1))))),
  zbb.unary('ctzw', OPCODE.opImmediate32, 1, 0x601, setX(extend_u(ctz(wrap(rs1))))),
  zbb.unary('cpopw', OPCODE.opImmediate32, 1, 0x602, setX(extend_u(popcnt(wrap(rs1))))),
  zbb.R('max', OPCODE.op, 6, 0x05, setX(choose(lt_s(rs1, rs2), rs2, rs1))),
  zbb.R('maxu', OPCODE.op, 7, 0x05, setX(choose(lt_u(rs1, rs2), rs2, rs1))),
  zbb.R('min', OPCODE.op, 4, 0x05, setX(choose(lt_s(rs1, rs2), rs1, rs2))),
  zbb.R('minu', OPCODE.op, 5, 0x05, setX(choose(lt_u(rs1, rs2), rs1, rs2))),
  zbb.unary('sext.b', OPCODE.opImmediate, 1, 0x604, setX(extendLow_s(8, rs1))),
  zbb.unary('sext.h', OPCODE.opImmediate, 1, 0x605, setX(extendLow_s(16, rs1))),
  zbb.unary('zext.h', OPCODE.op32, 4, 0x080, setX(and(rs1, constant(0xffff)))),
  zbb.R('rol', OPCODE.op, 1, 0x30, setX(rotl(rs1, rs2))),
  zbb.R('ror', OPCODE.op, 5, 0x30, setX(rotr(rs1, rs2))),
  zbb.shift6('rori', OPCODE.opImmediate, 5, 0x18, setX(rotr(rs1, immediate))),
  zbb.R('rolw', OPCODE.op32, 1, 0x30, setX(extend_s(rotl(wrap(rs1), wrap(rs2))))),
  zbb.R('rorw', OPCODE.op32, 5, 0x30, setX(extend_s(rotr(wrap(rs1), wrap(rs2))))),
  zbb.shift5('roriw', OPCODE.opImmediate32, 5, 0x30, setX(extend_s(rotr(wrap(rs1), wrap(immediate))))),
  zbb.unary('orc.b', OPCODE.opImmediate, 5, 0x287, setX(orCombine(rs1))),
  zbb.unary('rev8', OPCODE.opImmediate, 5, 0x6b8, setX(reverseBytes(rs1))),
];

const zbs = formats('zbs');
const bit = (index: I64): I64 => shl(one, index);
/** Zbs: single bits. */
export const SINGLE_BIT = [
  zbs.R('bclr', OPCODE.op, 1, 0x24, setX(and(rs1, not(bit(rs2))))),
  zbs.R('bext', OPCODE.op, 5, 0x24, setX(and(shr_u(rs1, rs2), one))),
  zbs.R('binv', OPCODE.op, 1, 0x34, setX(xor(rs1, bit(rs2)))),
  zbs.R('bset', OPCODE.op, 1, 0x14, setX(or(rs1, bit(rs2)))),
  zbs.shift6('bclri', OPCODE.opImmediate, 1, 0x12, setX(and(rs1, not(bit(immediate))))),
  zbs.shift6('bexti', OPCODE.opImmediate, 5, 0x12, setX(and(shr_u(rs1, immediate), one))),
  zbs.shift6('binvi', OPCODE.opImmediate, 1, 0x1a, setX(xor(rs1, bit(immediate)))),
  zbs.shift6('bseti', OPCODE.opImmediate, 1, 0x0a, setX(or(rs1, bit(immediate)))),
];

const zbc = formats('zbc');
/** Zbc: carry-less multiplication. */
export const CARRY_LESS = [
  zbc.R('clmul', OPCODE.op, 1, 0x05, setX(product('clmul', rs1, rs2))),
  zbc.R('clmulh', OPCODE.op, 3, 0x05, setX(product('clmulh', rs1, rs2))),
  zbc.R('clmulr', OPCODE.op, 2, 0x05, setX(product('clmulr', rs1, rs2))),
];
