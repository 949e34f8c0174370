import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { runRiscvTests } from './riscv-tests.ts';

const directory = fileURLToPath(new URL('../../shared/riscv-tests', import.meta.url));

test.skipIf(!existsSync(directory))('every applicable program of riscv-tests passes', () => {
  const { passed, failed, notApplicable } = runRiscvTests(directory);
  expect(failed).toEqual([]);
  expect([passed.length, notApplicable.length]).toEqual([331, 23]);
});
