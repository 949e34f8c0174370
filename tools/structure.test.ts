import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { checkStructure } from './structure.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const tree = mkdtempSync(join(tmpdir(), 'cloister-structure-'));
afterAll(() => rmSync(tree, { recursive: true, force: true }));

/** A forbidden import for each row of the table. */
const FORBIDDEN: readonly (readonly [from: string, to: string])[] = [
  ['protocol', 'hardware'],
  ['boot-plan', 'slice'],
  ['trusted/crypto', 'protocol'],
  ['trusted/hardware', 'monitor'],
  ['trusted/monitor', 'slice'],
  ['deprivileged/slice', 'hardware'],
  ['deprivileged/storage', 'slice'],
  ['deprivileged/builder', 'images'],
  ['audit/pdp', 'enclave'],
  ['audit/enclave', 'auditor'],
  ['audit/auditor', 'enclave'],
  ['audit/prover', 'auditor'],
  ['host/files', 'protocol'],
  ['host/launcher', 'monitor'],
  ['host/images', 'builder'],
  ['clients/sdk', 'monitor'],
  ['clients/cli', 'hardware'],
];

/** The workspace's packages with an empty source, and one planted file where `plant` says so. */
function workspace(plant: readonly (readonly [from: string, to: string])[]): void {
  rmSync(tree, { recursive: true, force: true });
  mkdirSync(join(tree, 'node_modules', '@cloister'), { recursive: true });
  writeFileSync(join(tree, 'tsconfig.base.json'), readFileSync(join(root, 'tsconfig.base.json')));
  for (const manifest of readdirSync(join(root, 'packages'), { recursive: true, encoding: 'utf8' })) {
    if (!/^[^/]+(\/[^/]+)?\/package\.json$/.test(manifest)) continue;
    const folder = dirname(manifest);
    mkdirSync(join(tree, 'packages', folder, 'src'), { recursive: true });
    const text = readFileSync(join(root, 'packages', manifest), 'utf8');
    writeFileSync(join(tree, 'packages', manifest), text);
    writeFileSync(join(tree, 'packages', folder, 'src', 'index.ts'), 'export const here = 1;\nexport type Here = 1;\n');
    const { name } = JSON.parse(text) as { name: string };
    symlinkSync(join(tree, 'packages', folder), join(tree, 'node_modules', name));
  }
  for (const [from, to] of plant) {
    const source = join(tree, 'packages', from, 'src');
    writeFileSync(
      join(source, 'planted-value.ts'),
      `import { here } from '@cloister/${to}';\nexport const a = here;\n`,
    );
    writeFileSync(
      join(source, 'planted-type.ts'),
      `import type { Here } from '@cloister/${to}';\nexport type A = Here;\n`,
    );
  }
}

test('a forbidden import is found in every row, as a value and as a type', () => {
  workspace(FORBIDDEN);
  const { violations } = checkStructure(tree, ['packages']);
  const missed = FORBIDDEN.flatMap(([from, to]) =>
    ['value', 'type']
      .map((kind) => `packages/${from}/src/planted-${kind}.ts`)
      .filter((file) => !violations.some((found) => found.includes(`${file} -> `)))
      .map((file) => `${file} -> ${to}`),
  );
  expect(missed).toEqual([]);
}, 60_000);

test('the same tree without them passes', () => {
  workspace([]);
  expect(checkStructure(tree, ['packages']).violations).toEqual([]);
}, 60_000);

test('seeing no module is a failure', () => {
  rmSync(tree, { recursive: true, force: true });
  mkdirSync(join(tree, 'packages'), { recursive: true });
  writeFileSync(join(tree, 'tsconfig.base.json'), readFileSync(join(root, 'tsconfig.base.json')));
  expect(() => checkStructure(tree, ['packages'])).toThrow();
}, 60_000);
