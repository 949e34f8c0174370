import type { Decoded } from '../isa/decode.ts';
import type { BaseInstruction } from '../isa/instruction.ts';
import type { Expression, Statement } from '../isa/semantics.ts';
import { BASE_INSTRUCTIONS, INSTRUCTIONS } from '../isa/table.ts';

/**
 * The interpreter's operation numbers: which handler a predecoded record names. Made from the instruction table, so
 * that predecoder and emitter agree. Low numbers are the interpreter's own; then come the handlers in its main switch,
 * then those that are functions of their own.
 */
export const OPERATION = { decode: 0, pageEnd: 1, straddle: 2, illegal: 3, nop4: 4, nop2: 5 } as const;
const FIRST_INLINE = 6;

export interface Handler {
  readonly operation: number;
  readonly instruction: BaseInstruction;
  readonly length: 2 | 4;
  /** A jump or branch whose target lies in the same page: the record's immediate is a distance in records. */
  readonly near: boolean;
  /** rd is x0: the result is dropped (or, for jumps, no link is kept). */
  readonly discard: boolean;
  /** In the main switch; else a function reached through the module's table. */
  readonly inline: boolean;
}

/** What an instruction's semantics contain, found by looking. */
export interface Traits {
  readonly control: boolean;
  /** Jumps to pc + immediate, so that predecoding knows the target. */
  readonly direct: boolean;
  readonly writesX: boolean;
  /** Loads, atomics, flags, a check of mstatus.FS: must run although its result is dropped. */
  readonly effects: boolean;
  /** Writes an f register or may raise a floating-point flag. */
  readonly changesFloat: boolean;
  /** Kept out of the main switch, which must stay small enough for the engine's optimizer. */
  readonly outlined: boolean;
}

export function traitsOf(instruction: BaseInstruction): Traits {
  const statements = new Set(instruction.semantics.map((statement) => statement.do));
  const operations = new Set<string>();
  for (const statement of instruction.semantics) for (const e of expressionsOf(statement)) collect(e, operations);
  const heavy = ['amo', 'loadReserved', 'storeConditional', 'float', 'product'].some((op) => operations.has(op));
  return {
    control: statements.has('jump') || statements.has('branch'),
    direct: statements.has('branch') || (statements.has('jump') && operations.has('pc')),
    writesX: statements.has('setX'),
    effects:
      instruction.floating ||
      ['load', 'amo', 'loadReserved', 'storeConditional', 'float'].some((op) => operations.has(op)),
    changesFloat: statements.has('setF') || operations.has('float'),
    outlined: heavy || statements.has('system') || statements.has('csr') || statements.has('fence'),
  };
}

function expressionsOf(statement: Statement): Expression[] {
  switch (statement.do) {
    case 'setX':
    case 'setF':
    case 'let':
      return [statement.value];
    case 'store':
      return [statement.address, statement.value];
    case 'jump':
      return [statement.target];
    case 'branch':
      return [statement.condition];
    default:
      return [];
  }
}

function collect(expression: Expression, into: Set<string>): void {
  into.add(expression.op);
  for (const value of Object.values(expression)) {
    if (Array.isArray(value)) for (const inner of value) collect(inner as Expression, into);
    else if (typeof value === 'object' && value !== null && 'op' in value) collect(value as Expression, into);
  }
}

const key = (name: string, length: number, near: boolean, discard: boolean): string =>
  `${name}/${length}/${near ? 'near' : 'far'}/${discard ? 'discard' : 'keep'}`;

/** Every handler, by operation number from `FIRST_INLINE`. */
export const HANDLERS: readonly Handler[] = (() => {
  const expanded = new Set(INSTRUCTIONS.flatMap((entry) => (entry.length === 2 ? [entry.expandsTo] : [])));
  const wanted: Omit<Handler, 'operation'>[] = [];
  for (const instruction of BASE_INSTRUCTIONS) {
    const traits = traitsOf(instruction);
    const lengths: (2 | 4)[] = expanded.has(instruction.name) ? [4, 2] : [4];
    for (const length of lengths) {
      const variant = (near: boolean, discard: boolean, inline: boolean): void => {
        wanted.push({ instruction, length, near, discard, inline });
      };
      if (traits.control) {
        for (const discard of traits.writesX ? [false, true] : [false]) {
          variant(false, discard, true);
          if (traits.direct) variant(true, discard, true);
        }
      } else {
        variant(false, false, !traits.outlined);
        if (traits.writesX && traits.effects && length === 4) variant(false, true, false);
      }
    }
  }
  const ordered = [...wanted.filter(({ inline }) => inline), ...wanted.filter(({ inline }) => !inline)];
  return ordered.map((handler, index) => ({ ...handler, operation: FIRST_INLINE + index }));
})();

export const INLINE_HANDLERS: readonly Handler[] = HANDLERS.filter(({ inline }) => inline);
export const OUTLINED_HANDLERS: readonly Handler[] = HANDLERS.filter(({ inline }) => !inline);
/** Operation numbers below this one are in the main switch. */
export const FIRST_OUTLINED: number = FIRST_INLINE + INLINE_HANDLERS.length;

const BY_KEY = new Map(
  HANDLERS.map((h) => [key(h.instruction.name, h.length, h.near, h.discard), h.operation] as const),
);
const TRAITS = new Map(BASE_INSTRUCTIONS.map((instruction) => [instruction, traitsOf(instruction)] as const));

/** Whether an instruction jumps to pc + immediate. */
export function isDirect(instruction: BaseInstruction): boolean {
  return TRAITS.get(instruction)!.direct;
}

/** The operation for a decoded instruction; `near`: it jumps within its page. */
export function operationFor(decoded: Decoded, near: boolean): number {
  const { base, length, operands } = decoded;
  const traits = TRAITS.get(base)!;
  const discard = traits.writesX && base.operands.rd !== undefined && operands.rd === 0;
  if (discard && !traits.control && !traits.effects) return length === 4 ? OPERATION.nop4 : OPERATION.nop2;
  return BY_KEY.get(key(base.name, length, near, discard))!;
}
