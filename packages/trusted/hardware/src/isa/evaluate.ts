import { type Evaluation, evaluateExpression } from './evaluate-expression.ts';
import {
  type EvaluatorHart,
  type EvaluatorMachine,
  type Instance,
  type Outcome,
  raiseTrap,
  TRAP,
  trapOf,
} from './evaluate-machine.ts';
import type { Statement } from './semantics.ts';

/**
 * Runs one instruction by its table entry's semantics, over BigInt: slow, plain, and without a line in common with the
 * emitted code. After a trap the hart is as before, except for what a store or a flag of the same instruction did: no
 * entry does anything of the kind before it can trap. The value of an illegal instruction's trap is left 0.
 */
export function evaluate(instance: Instance, hart: EvaluatorHart, machine: EvaluatorMachine): Outcome {
  try {
    evaluateInstruction(instance, hart, machine);
    return { kind: 'retired' };
  } catch (error) {
    const outcome = trapOf(error);
    if (outcome === undefined) throw error;
    return outcome;
  }
}

function evaluateInstruction(instance: Instance, hart: EvaluatorHart, machine: EvaluatorMachine): void {
  const { base, operands } = instance;
  if (base.floating && hart.fs === 0) raiseTrap(TRAP.illegal, 0n);
  const rounding = operands.rounding === 7 ? hart.frm : operands.rounding;
  // Reserved modes, static or dynamic (F, "Floating-Point Control and Status Register").
  if (base.operands.rounding === true && rounding > 4) raiseTrap(TRAP.illegal, 0n);
  const evaluation: Evaluation = { hart, machine, instance, variables: new Map(), rounding };
  let next = BigInt.asUintN(64, hart.pc + BigInt(instance.length));
  for (const statement of base.semantics) next = runStatement(statement, evaluation) ?? next;
  hart.pc = next;
}

function runStatement(statement: Statement, evaluation: Evaluation): bigint | undefined {
  const { hart, machine, instance } = evaluation;
  const { operands } = instance;
  const setX = (value: bigint): void => {
    if (operands.rd !== 0) hart.x[operands.rd] = value;
  };
  switch (statement.do) {
    case 'setX':
      setX(evaluateExpression(statement.value, evaluation));
      return undefined;
    case 'setF':
      hart.f[operands.rd] = evaluateExpression(statement.value, evaluation);
      hart.fs = 3;
      return undefined;
    case 'let':
      evaluation.variables.set(statement.name, evaluateExpression(statement.value, evaluation));
      return undefined;
    case 'store': {
      const value = evaluateExpression(statement.value, evaluation);
      machine.store(
        evaluateExpression(statement.address, evaluation),
        statement.bytes,
        BigInt.asUintN(8 * statement.bytes, value),
      );
      return undefined;
    }
    case 'jump':
      return BigInt.asUintN(64, evaluateExpression(statement.target, evaluation) & ~1n);
    case 'branch':
      if (evaluateExpression(statement.condition, evaluation) === 0n) return undefined;
      return BigInt.asUintN(64, hart.pc + BigInt(operands.immediate));
    case 'fence':
      return undefined;
    case 'csr': {
      // rs1 names the register, or is the immediate itself.
      const source = statement.source === 'x' ? hart.x[operands.rs1]! : BigInt(operands.rs1);
      if (statement.write === 'rw') {
        setX(machine.csr(operands.immediate, operands.rd !== 0, () => source));
        return undefined;
      }
      const replace = (before: bigint): bigint => (statement.write === 'rs' ? before | source : before & ~source);
      // With rs1 = x0, or an immediate of 0, nothing is written, whatever the rights to write are (Zicsr §6.1).
      setX(machine.csr(operands.immediate, true, operands.rs1 === 0 ? undefined : replace));
      return undefined;
    }
    case 'system':
      return machine.system(statement.name, hart, instance);
  }
}
