import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encodeInstruction } from './assemble.ts';
import { decode } from './decode.ts';
import { disassemble } from './disassemble.ts';
import type { ImmediateField } from './operands.ts';
import { readImmediate } from './operands.ts';
import { INSTRUCTIONS } from './table.ts';

const opcodesFile = fileURLToPath(new URL('../../../../../../shared/isa/opcodes.json', import.meta.url));

/** The extensions of the public table that the machine claims (names as riscv-opcodes spells them). */
const CLAIMED =
  'rv_i rv64_i rv_m rv64_m rv_a rv64_a rv_f rv64_f rv_d rv64_d rv_c rv64_c rv_c_d rv_zba rv64_zba rv_zbb rv64_zbb rv_zbs rv64_zbs rv_zbc rv_zicsr rv_zifencei rv_zicbo rv_system rv_s rv_svinval'.split(
    ' ',
  );

describe('the instruction table', () => {
  test.skipIf(!existsSync(opcodesFile))('agrees with the public encodings, and lacks none', () => {
    const published = JSON.parse(readFileSync(opcodesFile, 'utf8')) as Record<
      string,
      { mask: string; match: string; extension: string[] }
    >;
    const wanted = Object.entries(published).filter(([, { extension }]) => extension.some((e) => CLAIMED.includes(e)));
    const ours = new Map(INSTRUCTIONS.map((entry) => [entry.name, entry]));
    const differences = wanted.flatMap(([name, { mask, match }]) => {
      const entry = ours.get(name);
      if (entry === undefined) return [`${name} is missing`];
      return entry.mask === Number(mask) && entry.match === Number(match) ? [] : [`${name} differs`];
    });
    expect(differences).toEqual([]);
    expect(INSTRUCTIONS.map(({ name }) => name).filter((name) => published[name] === undefined)).toEqual([]);
    expect(INSTRUCTIONS.length).toBe(wanted.length);
  });

  test('no two 32-bit entries overlap, and no name stands twice', () => {
    const base = INSTRUCTIONS.filter(({ length }) => length === 4);
    for (const a of base)
      for (const b of base)
        if (a !== b)
          expect(((a.match ^ b.match) & a.mask & b.mask) === 0 && `${a.name} overlaps ${b.name}`).toBe(false);
    expect(new Set(INSTRUCTIONS.map(({ name }) => name)).size).toBe(INSTRUCTIONS.length);
  });

  test('what is assembled decodes to the same entry and operands', () => {
    const register = fc.integer({ min: 0, max: 31 });
    fc.assert(
      fc.property(
        fc.constantFrom(...INSTRUCTIONS),
        register,
        register,
        register,
        register,
        fc.integer({ min: 0, max: 2 ** 32 - 1 }),
        fc.constantFrom(0, 1, 2, 3, 4, 7),
        (entry, rd, rs1, rs2, rs3, bits, rounding) => {
          const narrow = (field: { bits?: number; fixed?: number } | undefined, n: number): number =>
            field?.fixed ?? (field?.bits === 3 ? 8 + (n & 7) : n);
          const anyImmediate = (field: ImmediateField | undefined): number => readImmediate(field, bits);
          const operands = {
            rd: narrow(entry.operands.rd, rd),
            rs1: narrow(entry.operands.rs1, entry.operands.rs1 === entry.operands.rd ? rd : rs1),
            rs2: narrow(entry.operands.rs2, rs2),
            rs3: narrow(entry.operands.rs3, rs3),
            immediate: anyImmediate(entry.operands.immediate),
            rounding,
          };
          const decoded = decode(encodeInstruction(entry, operands));
          if (entry.length === 2) {
            // Overlapping compressed entries: the first in the table is meant, or a zero operand reserves the encoding.
            if (decoded?.entry !== entry) return;
          }
          expect(decoded?.entry.name).toBe(entry.name);
          for (const key of ['rd', 'rs1', 'rs2', 'rs3', 'immediate'] as const)
            if (entry.operands[key] !== undefined) expect(decoded?.operands[key]).toBe(operands[key]);
        },
      ),
      { numRuns: 5000, seed: 4 },
    );
  });

  test('reserved encodings decode to nothing', () => {
    for (const word of [0x0000, 0xffff_ffff, 0x4002, 0x8002, 0x6101, 0x2001, 0x9c41])
      expect(decode(word)).toBeUndefined();
  });

  test('the disassembler speaks the ABI names', () => {
    expect(disassemble(0x00c5_8533)).toBe('add a0, a1, a2');
    expect(disassemble(0x4501)).toBe('c.li a0, 0');
    expect(disassemble(0x02b5_7553)).toBe('fadd.d fa0, fa0, fa1, dyn');
    expect(disassemble(0x0000_0000)).toBe('.word 0x0');
  });
});
