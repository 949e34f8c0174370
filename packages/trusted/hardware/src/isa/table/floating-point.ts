import type { BaseInstruction } from '../instruction.ts';
import {
  add,
  and,
  choose,
  constant,
  type Expression,
  eq,
  extendLow_s,
  f,
  float,
  immediate,
  load,
  or,
  rs1,
  setF,
  setX,
  shr_u,
  store,
  xor,
} from '../semantics.ts';
import { floatFormats, OPCODE } from './formats.ts';

type I64 = Expression<'i64'>;
type Source = 'rs1' | 'rs2' | 'rs3';

interface Precision {
  readonly extension: 'f' | 'd';
  readonly suffix: 's' | 'd';
  /** The fmt field (F, table "format field encoding"), and the width in bytes. */
  readonly format: 0 | 1;
  readonly bytes: 4 | 8;
  readonly loadFunct3: 2 | 3;
  readonly sign: bigint;
  readonly move: string;
  readonly key: 'f32' | 'f64';
  /** Raw bits of a source register, and of a result for a register. */
  read(source: Source): I64;
  box(value: I64): I64;
}

/** A single in a 64-bit register is valid only with all upper bits set; else it reads as the canonical NaN (D, "NaN boxing"). */
const SINGLE: Precision = {
  extension: 'f',
  suffix: 's',
  format: 0,
  bytes: 4,
  loadFunct3: 2,
  sign: 0x8000_0000n,
  move: 'w',
  key: 'f32',
  read: (source) =>
    choose(
      eq(shr_u(f(source), constant(32)), constant(0xffff_ffffn)),
      and(f(source), constant(0xffff_ffffn)),
      constant(0x7fc0_0000n),
    ),
  box: (value) => or(value, constant(0xffff_ffff_0000_0000n)),
};
const DOUBLE: Precision = {
  extension: 'd',
  suffix: 'd',
  format: 1,
  bytes: 8,
  loadFunct3: 3,
  sign: 0x8000_0000_0000_0000n,
  move: 'd',
  key: 'f64',
  read: (source) => f(source),
  box: (value) => value,
};

const INTEGERS = [
  { suffix: 'w', selector: 0, key: 'i32' },
  { suffix: 'wu', selector: 1, key: 'u32' },
  { suffix: 'l', selector: 2, key: 'i64' },
  { suffix: 'lu', selector: 3, key: 'u64' },
] as const;

function entries(p: Precision): BaseInstruction[] {
  const { load: loadEntry, store: storeEntry, R4, rounding1, rounding2, plain1, plain2 } = floatFormats(p.extension);
  const name = (stem: string): string => `${stem}.${p.suffix}`;
  const funct7 = (funct5: number): number => (funct5 << 2) | p.format;
  const [a, b, c] = [p.read('rs1'), p.read('rs2'), p.read('rs3')];
  const negate = (value: I64): I64 => xor(value, constant(p.sign));
  const arithmetic = (key: string, ...args: I64[]) => setF(p.box(float(`${p.key}.${key}`, ...args)));
  const magnitude = constant(p.sign - 1n);
  const withSign = (sign: I64): I64 => or(and(a, magnitude), and(sign, constant(p.sign)));
  const all = ['rd', 'rs1', 'rs2'] as const;
  return [
    loadEntry(p.bytes === 4 ? 'flw' : 'fld', p.loadFunct3, setF(p.box(load(p.bytes, false, add(rs1, immediate))))),
    storeEntry(p.bytes === 4 ? 'fsw' : 'fsd', p.loadFunct3, store(p.bytes, add(rs1, immediate), f('rs2'))),
    R4(name('fmadd'), OPCODE.fma, p.format, arithmetic('fma', a, b, c)),
    R4(name('fmsub'), OPCODE.fms, p.format, arithmetic('fma', a, b, negate(c))),
    R4(name('fnmsub'), OPCODE.fnms, p.format, arithmetic('fma', negate(a), b, c)),
    R4(name('fnmadd'), OPCODE.fnma, p.format, arithmetic('fma', negate(a), b, negate(c))),
    rounding2(name('fadd'), funct7(0x00), arithmetic('add', a, b)),
    rounding2(name('fsub'), funct7(0x01), arithmetic('sub', a, b)),
    rounding2(name('fmul'), funct7(0x02), arithmetic('mul', a, b)),
    rounding2(name('fdiv'), funct7(0x03), arithmetic('div', a, b)),
    rounding1(name('fsqrt'), funct7(0x0b), 0, ['rd', 'rs1'], arithmetic('sqrt', a)),
    plain2(name('fsgnj'), funct7(0x04), 0, all, setF(p.box(withSign(b)))),
    plain2(name('fsgnjn'), funct7(0x04), 1, all, setF(p.box(withSign(negate(b))))),
    plain2(name('fsgnjx'), funct7(0x04), 2, all, setF(p.box(xor(a, and(b, constant(p.sign)))))),
    plain2(name('fmin'), funct7(0x05), 0, all, arithmetic('min', a, b)),
    plain2(name('fmax'), funct7(0x05), 1, all, arithmetic('max', a, b)),
    plain2(name('feq'), funct7(0x14), 2, ['rs1', 'rs2'], setX(float(`${p.key}.eq`, a, b))),
    plain2(name('flt'), funct7(0x14), 1, ['rs1', 'rs2'], setX(float(`${p.key}.lt`, a, b))),
    plain2(name('fle'), funct7(0x14), 0, ['rs1', 'rs2'], setX(float(`${p.key}.le`, a, b))),
    plain1(name('fclass'), funct7(0x1c), 0, 1, ['rs1'], setX(float(`${p.key}.classify`, a))),
    ...INTEGERS.map(({ suffix, selector, key }) =>
      rounding1(`fcvt.${suffix}.${p.suffix}`, funct7(0x18), selector, ['rs1'], setX(float(`${p.key}.to_${key}`, a))),
    ),
    ...INTEGERS.map(({ suffix, selector, key }) =>
      rounding1(`fcvt.${p.suffix}.${suffix}`, funct7(0x1a), selector, ['rd'], arithmetic(`from_${key}`, rs1)),
    ),
    plain1(`fmv.x.${p.move}`, funct7(0x1c), 0, 0, ['rs1'], setX(p.bytes === 4 ? extendLow_s(32, f('rs1')) : f('rs1'))),
    plain1(
      `fmv.${p.move}.x`,
      funct7(0x1e),
      0,
      0,
      ['rd'],
      setF(p.box(p.bytes === 4 ? and(rs1, constant(0xffff_ffffn)) : rs1)),
    ),
  ];
}

/** F and D: single and double precision. */
export const FLOATING_POINT = [
  ...entries(SINGLE),
  ...entries(DOUBLE),
  floatFormats('d').rounding1(
    'fcvt.s.d',
    0x20,
    1,
    ['rd', 'rs1'],
    setF(SINGLE.box(float('f32_from_f64', DOUBLE.read('rs1')))),
  ),
  floatFormats('d').rounding1('fcvt.d.s', 0x21, 0, ['rd', 'rs1'], setF(float('f64_from_f32', SINGLE.read('rs1')))),
];
