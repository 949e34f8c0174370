import { expect, test } from 'vitest';
import { systemReset, testFinisher } from './system-reset.ts';

const SRST = 0x53525354n;
const invalid = BigInt.asUintN(64, -3n);
const unsupported = BigInt.asUintN(64, -2n);

test.each([
  ['shutdown', [SRST, 0n, 0n, 0n], { kind: 'end', end: 'power-off', reason: '' }],
  ['shutdown after a failure', [SRST, 0n, 0n, 1n], { kind: 'end', end: 'power-off', reason: '' }],
  ['cold reboot', [SRST, 0n, 1n, 0n], { kind: 'end', end: 'reset', reason: '' }],
  [
    'warm reboot, dirty upper halves',
    [SRST, 0n, (7n << 32n) | 2n, 9n << 32n],
    { kind: 'end', end: 'reset', reason: '' },
  ],
  ['a reserved type', [SRST, 0n, 3n, 0n], { kind: 'resume', error: invalid }],
  ['a vendor’s type', [SRST, 0n, 0xf000_0000n, 0n], { kind: 'resume', error: unsupported }],
  ['a reserved reason', [SRST, 0n, 0n, 2n], { kind: 'resume', error: invalid }],
  ['another function', [SRST, 1n, 0n, 0n], { kind: 'resume', error: unsupported }],
  ['nothing at all', [], { kind: 'resume', error: unsupported }],
])('system reset: %s', (_name, values, outcome) => {
  expect(systemReset(values)).toEqual(outcome);
});

test('the test finisher ends a run in three ways', () => {
  expect(testFinisher(0x5555)).toMatchObject({ end: 'power-off' });
  expect(testFinisher(0x7777)).toMatchObject({ end: 'reset' });
  expect(testFinisher((5 << 16) | 0x3333)).toMatchObject({ end: 'failed', reason: 'The guest reported failure 5' });
  expect(testFinisher(0)).toBeUndefined();
});
