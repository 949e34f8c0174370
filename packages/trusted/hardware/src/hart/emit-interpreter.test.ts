import { expect, test } from 'vitest';
import { createRandom } from '../float/testing/operands.ts';
import { INSTRUCTIONS } from '../isa/table.ts';
import { compareInterpreter, createComparison } from './testing/compare-interpreter.ts';

const comparison = createComparison();

test.each(INSTRUCTIONS.map((entry, index) => [entry.name, entry, index + 1] as const))(
  '%s does in the interpreter what the evaluator does',
  (name, entry, seed) => {
    const found = comparison.run(entry, 60, createRandom(seed));
    expect({ name, seed, found: found.slice(0, 4) }).toEqual({ name, seed, found: [] });
  },
);

test('so do instructions drawn from the whole table', () => {
  const seed = 11;
  expect({ seed, ...compareInterpreter({ count: 10_000, seed }) }).toEqual({
    seed,
    compared: 10_000,
    differences: [],
  });
});
