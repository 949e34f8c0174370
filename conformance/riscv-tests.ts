import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Outcome, runBareMetal } from './bare-metal.ts';
import { readElf } from './elf.ts';

/** Suites of extensions that the machine lacks: listed, not run. */
const NOT_APPLICABLE = [/^rv64uzfh-/, /^rv64ssvnapot-/];
/** More than any of the suite's programs needs; those take at most about 300,000. */
const LIMIT = 20_000_000;

export interface SuiteResult {
  readonly passed: readonly string[];
  readonly failed: readonly { readonly name: string; readonly outcome: Outcome }[];
  readonly notApplicable: readonly string[];
}

/** Runs every program of a folder of riscv-tests (files named rv64*). */
export function runRiscvTests(directory: string): SuiteResult {
  const names = readdirSync(directory).filter((name) => /^rv64[a-z]+-[pv]-[a-z0-9_-]+$/.test(name));
  const passed: string[] = [];
  const failed: { name: string; outcome: Outcome }[] = [];
  const notApplicable: string[] = [];
  for (const name of names.sort()) {
    if (NOT_APPLICABLE.some((pattern) => pattern.test(name))) {
      notApplicable.push(name);
      continue;
    }
    const { outcome } = runBareMetal(readElf(readFileSync(join(directory, name))), LIMIT);
    if (outcome.kind === 'pass') passed.push(name);
    else failed.push({ name, outcome });
  }
  return { passed, failed, notApplicable };
}
