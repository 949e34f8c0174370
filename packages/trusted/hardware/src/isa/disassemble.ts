import { decode } from './decode.ts';

const INTEGER_NAMES =
  'zero ra sp gp tp t0 t1 t2 s0 s1 a0 a1 a2 a3 a4 a5 a6 a7 s2 s3 s4 s5 s6 s7 s8 s9 s10 s11 t3 t4 t5 t6'.split(' ');
const FLOAT_NAMES =
  'ft0 ft1 ft2 ft3 ft4 ft5 ft6 ft7 fs0 fs1 fa0 fa1 fa2 fa3 fa4 fa5 fa6 fa7 fs2 fs3 fs4 fs5 fs6 fs7 fs8 fs9 fs10 fs11 ft8 ft9 ft10 ft11'.split(
    ' ',
  );
const ROUNDING_NAMES = ['rne', 'rtz', 'rdn', 'rup', 'rmm', '5', '6', 'dyn'];

/** The instruction as text, registers by their ABI names, operands in the order rd, rs1, rs2, rs3, immediate, rounding. */
export function disassemble(word: number): string {
  const decoded = decode(word);
  if (decoded === undefined) return `.word 0x${(word >>> 0).toString(16)}`;
  const { entry, base, operands } = decoded;
  const parts: string[] = [];
  for (const key of ['rd', 'rs1', 'rs2', 'rs3'] as const) {
    const field = entry.operands[key];
    if (field === undefined || field.fixed !== undefined) continue;
    parts.push((base.floatOperands.includes(key) ? FLOAT_NAMES : INTEGER_NAMES)[operands[key]]!);
  }
  if (entry.operands.immediate !== undefined && entry.operands.immediate.fixed === undefined)
    parts.push(String(operands.immediate));
  if (entry.operands.rounding === true) parts.push(ROUNDING_NAMES[operands.rounding]!);
  return parts.length === 0 ? entry.name : `${entry.name} ${parts.join(', ')}`;
}
