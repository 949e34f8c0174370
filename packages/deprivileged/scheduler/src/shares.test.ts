import { expect, test } from 'vitest';
import { divide } from './shares.ts';

test.each([
  ['one alone has its cap', 2, [[1, 1]], [1]],
  ['or all there is', 2, [[8, 1]], [2]],
  [
    'equal weights share alike',
    2,
    [
      [1, 1],
      [1, 1],
      [1, 1],
      [1, 1],
    ],
    [0.5, 0.5, 0.5, 0.5],
  ],
  [
    'weights count when CPUs are scarce',
    1,
    [
      [1, 3],
      [1, 1],
    ],
    [0.75, 0.25],
  ],
  [
    'what a capped one leaves goes to the others',
    2,
    [
      [0.5, 1],
      [4, 1],
    ],
    [0.5, 1.5],
  ],
  [
    'a cap may hide another',
    3,
    [
      [0.5, 1],
      [1, 1],
      [4, 1],
    ],
    [0.5, 1, 1.5],
  ],
] as const)('%s', (_name, cpus, claims, shares) => {
  expect(
    divide(
      cpus,
      claims.map(([most, weight]) => ({ cpus: most, weight })),
    ),
  ).toEqual(shares);
});
