import { RD, RS1 } from '../operands.ts';
import type { AmoName } from '../semantics.ts';
import {
  amo,
  choose,
  constant,
  constant32,
  div_s,
  div_u,
  type Expression,
  eq,
  extend_s,
  loadReserved,
  mul,
  product,
  rem_s,
  rem_u,
  rs1,
  rs2,
  setX,
  storeConditional,
  wrap,
} from '../semantics.ts';
import { formats, OPCODE } from './formats.ts';

const { R } = formats('m');
const word = extend_s;
type I32 = Expression<'i32'>;
type I64 = Expression<'i64'>;

/** Division by zero and the one overflow have results, not traps (RV64M, table "semantics for division"). */
const quotient = (a: I64, b: I64): I64 =>
  choose(eq(b, constant(0)), constant(-1), choose(eq(b, constant(-1)), mul(a, constant(-1)), div_s(a, b)));
const quotientUnsigned = (a: I64, b: I64): I64 => choose(eq(b, constant(0)), constant(-1), div_u(a, b));
const remainder = (a: I64, b: I64): I64 =>
  choose(eq(b, constant(0)), a, choose(eq(b, constant(-1)), constant(0), rem_s(a, b)));
const remainderUnsigned = (a: I64, b: I64): I64 => choose(eq(b, constant(0)), a, rem_u(a, b));
const quotient32 = (a: I32, b: I32): I32 =>
  choose(eq(b, constant32(0)), constant32(-1), choose(eq(b, constant32(-1)), mul(a, constant32(-1)), div_s(a, b)));
const quotientUnsigned32 = (a: I32, b: I32): I32 => choose(eq(b, constant32(0)), constant32(-1), div_u(a, b));
const remainder32 = (a: I32, b: I32): I32 =>
  choose(eq(b, constant32(0)), a, choose(eq(b, constant32(-1)), constant32(0), rem_s(a, b)));
const remainderUnsigned32 = (a: I32, b: I32): I32 => choose(eq(b, constant32(0)), a, rem_u(a, b));

/** M: multiplication and division. */
export const MULTIPLY = [
  R('mul', OPCODE.op, 0, 1, setX(mul(rs1, rs2))),
  R('mulh', OPCODE.op, 1, 1, setX(product('mulh_ss', rs1, rs2))),
  R('mulhsu', OPCODE.op, 2, 1, setX(product('mulh_su', rs1, rs2))),
  R('mulhu', OPCODE.op, 3, 1, setX(product('mulh_uu', rs1, rs2))),
  R('div', OPCODE.op, 4, 1, setX(quotient(rs1, rs2))),
  R('divu', OPCODE.op, 5, 1, setX(quotientUnsigned(rs1, rs2))),
  R('rem', OPCODE.op, 6, 1, setX(remainder(rs1, rs2))),
  R('remu', OPCODE.op, 7, 1, setX(remainderUnsigned(rs1, rs2))),
  R('mulw', OPCODE.op32, 0, 1, setX(word(mul(wrap(rs1), wrap(rs2))))),
  R('divw', OPCODE.op32, 4, 1, setX(word(quotient32(wrap(rs1), wrap(rs2))))),
  R('divuw', OPCODE.op32, 5, 1, setX(word(quotientUnsigned32(wrap(rs1), wrap(rs2))))),
  R('remw', OPCODE.op32, 6, 1, setX(word(remainder32(wrap(rs1), wrap(rs2))))),
  R('remuw', OPCODE.op32, 7, 1, setX(word(remainderUnsigned32(wrap(rs1), wrap(rs2))))),
];

const atomic = formats('a');
/** The aq and rl bits are free: every access here is sequentially consistent already. */
const AMO_MASK = 0xf800_707f;
const FUNCT5: Record<AmoName, number> = {
  add: 0x00,
  swap: 0x01,
  xor: 0x04,
  or: 0x08,
  and: 0x0c,
  min: 0x10,
  max: 0x14,
  minu: 0x18,
  maxu: 0x1c,
};
const widths = [
  { suffix: 'w', bytes: 4, funct3: 2 },
  { suffix: 'd', bytes: 8, funct3: 3 },
] as const;
const encoding = (funct5: number, funct3: number): number => OPCODE.amo | (funct3 << 12) | (funct5 << 27);
const registers = atomic.R('', 0, 0, 0).operands;

/** A: atomic memory operations, load-reserved and store-conditional. */
export const ATOMIC = widths.flatMap(({ suffix, bytes, funct3 }) => [
  ...(Object.keys(FUNCT5) as AmoName[]).map((name) =>
    atomic.entry(`amo${name}.${suffix}`, encoding(FUNCT5[name], funct3), AMO_MASK, registers, [
      setX(amo(name, bytes, rs1, rs2)),
    ]),
  ),
  atomic.entry(`lr.${suffix}`, encoding(0x02, funct3), 0xf9f0_707f, { rd: RD, rs1: RS1 }, [
    setX(loadReserved(bytes, rs1)),
  ]),
  atomic.entry(`sc.${suffix}`, encoding(0x03, funct3), AMO_MASK, registers, [setX(storeConditional(bytes, rs1, rs2))]),
]);
