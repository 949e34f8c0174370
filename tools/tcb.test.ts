import { expect, test } from 'vitest';
import { codeLines, LAUNCHER_LINES_MAX, MONITOR_LINES_MAX, reasons, trustedBase } from './tcb.mjs';

test('counts lines of code, and neither comments nor blank lines', () => {
  expect(codeLines('')).toBe(0);
  expect(codeLines('// one\n\n/* two\n three */\nconst a = 1; // four\n')).toBe(1);
  expect(codeLines('/** doc\n * more */\nexport function f(\n  a: number,\n) {\n\n  return `x\ny\n`;\n}\n')).toBe(7);
});

const found = await trustedBase();

test('launcher and monitor stay below their ceilings', () => {
  expect(found.privileged).toBeLessThanOrEqual(LAUNCHER_LINES_MAX);
  expect(found.monitorLines).toBeLessThanOrEqual(MONITOR_LINES_MAX);
});

test('each file of the monitor has its reason, and each reason its file', () => {
  expect(Object.keys(reasons()).sort()).toEqual(Object.keys(found.monitor));
});

test('the launcher loads no code of a compartment, and the monitor none that is not trusted', () => {
  expect(
    Object.keys(found.launcherFiles).filter((path) => /deprivileged|trusted|compartments|clients/.test(path)),
  ).toEqual([]);
  // DeHype's figure for KVM.
  expect(found.share).toBeGreaterThanOrEqual(93.2);
});

test('the enclave is listed with its libraries, of which no other one is loaded', () => {
  const { lines, libraries } = found.processes.enclave!;
  expect(Object.values(found.enclavePackages).reduce((sum, some) => sum + some, 0)).toBe(lines);
  expect(Object.keys(libraries).sort()).toEqual(['cborg', 'mcl-wasm']);
  for (const [name, library] of Object.entries(libraries)) expect(library.lines, name).toBeGreaterThan(100);
  // The curve's arithmetic.
  expect(libraries['mcl-wasm']!.binaryBytes).toBeGreaterThan(100_000);
  // What is in every VM's trusted base has none.
  for (const name of ['launcher', 'machine', 'hart']) expect(found.processes[name]!.libraries, name).toEqual({});
});
