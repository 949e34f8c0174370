import type { Decoded } from '../isa/decode.ts';
import type { BaseInstruction } from '../isa/instruction.ts';
import { isDirect, OPERATION, operationFor } from './handlers.ts';

/**
 * A predecoded instruction, 8 bytes: operation u16, rd u8, rs1 u8, then either the immediate i32 or the bytes rs2, rs3
 * and rounding mode. Registers as byte offsets into their file (number * 8). Where an instruction has both rs2 and an
 * immediate it has no rd, and rs2 takes rd's place.
 */
export const RECORD = { operation: 0, rd: 2, rs1: 3, immediate: 4, rs2: 4, rs3: 5, rounding: 6 } as const;

/** Where an instruction keeps rs2 in its record. */
export function rs2Place(instruction: BaseInstruction): number {
  return instruction.operands.immediate === undefined ? RECORD.rs2 : RECORD.rd;
}

/**
 * The two words of a record. `pageOffset`: where in its page the instruction lies, or undefined when it straddles two.
 * An undefined `decoded`, or a static rounding mode that is reserved, gives the illegal operation.
 */
export function encodeRecord(
  decoded: Decoded | undefined,
  pageOffset: number | undefined,
): [low: number, high: number] {
  if (decoded === undefined) return [OPERATION.illegal, 0];
  const { base, operands } = decoded;
  if (operands.rounding === 5 || operands.rounding === 6) return [OPERATION.illegal, 0];
  const target = pageOffset === undefined ? -1 : pageOffset + operands.immediate;
  const near = isDirect(base) && target >= 0 && target < 4096;
  const operation = operationFor(decoded, near);
  const hasImmediate = base.operands.immediate !== undefined;
  const second = hasImmediate && base.operands.rs2 !== undefined ? operands.rs2 : operands.rd;
  const low = operation | ((second * 8) << 16) | ((operands.rs1 * 8) << 24);
  const high = hasImmediate
    ? near
      ? operands.immediate * 4
      : operands.immediate
    : (operands.rs2 * 8) | ((operands.rs3 * 8) << 8) | (operands.rounding << 16);
  return [low, high];
}
