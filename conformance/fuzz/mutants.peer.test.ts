import { expect, test } from 'vitest';
import { arenaIn, createImage } from './batch.ts';
import { compareArenas } from './compare.ts';
import { MUTANTS } from './mutants.ts';
import { createProgram, type Program } from './program.ts';
import { runHere } from './run-here.ts';
import { runQemu } from './run-qemu.ts';

/** The positive control: the same programs that agree with QEMU tell every planted fault from it. */
const SEED = 41;
const INSTRUCTIONS = 10_000;

const programs: Program[] = [];
for (let number = 0, count = 0; ; number += 1) {
  const program = createProgram(SEED, number, number);
  count += program.instructions;
  if (count > INSTRUCTIONS) break;
  programs.push(program);
}
const image = createImage(programs);
const peer = runQemu(image);

/** Programs whose final state differs from QEMU's; a run that does not end differs as well. */
function found(): string[] {
  let ours: Buffer;
  try {
    ours = runHere(image);
  } catch (error) {
    return [(error as Error).message];
  }
  return programs.flatMap((_, index) => {
    const [first] = compareArenas(arenaIn(ours, index), arenaIn(peer, index), new Map());
    return first === undefined ? [] : [`program ${index}, ${first.field}`];
  });
}

test('there are twenty mutants, and nothing is found without one', () => {
  expect(new Set(MUTANTS.map(({ name }) => name)).size).toBe(20);
  expect(found()).toEqual([]);
});

test.each(MUTANTS.map((mutant) => [mutant.name, mutant] as const))(
  `%s: found within ${INSTRUCTIONS} instructions`,
  (_, mutant) => {
    const remove = mutant.plant();
    try {
      expect(found()).not.toEqual([]);
    } finally {
      remove();
    }
  },
);

test('and nothing is left of them', () => {
  expect(found()).toEqual([]);
});
