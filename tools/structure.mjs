// Checks the import table with dependency-cruiser, and fails when the check has seen too little to mean anything.
import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

/** Runs the check on a tree; returns the modules seen and the violations, or throws when it cannot run. */
export function checkStructure(tree, folders) {
  const bin = join(root, 'node_modules', 'dependency-cruiser', 'bin', 'dependency-cruise.mjs');
  const { stdout, stderr, status } = spawnSync(
    process.execPath,
    [bin, '--config', join(root, '.dependency-cruiser.cjs'), '--output-type', 'json', ...folders],
    { cwd: tree, encoding: 'utf8', maxBuffer: 256 * 1024 * 1024, timeout: 120_000 },
  );
  if (status === null || stdout === '') throw new Error(`dependency-cruiser did not run: ${stderr}`);
  const { modules, summary } = JSON.parse(stdout);
  const seen = modules.filter(({ source }) => /\.[mc]?tsx?$/.test(source));
  if (seen.length === 0) throw new Error('dependency-cruiser saw no module: the check would pass on anything');
  return {
    modules: seen.length,
    violations: summary.violations.map(({ from, to, rule }) => `${rule.name}: ${from} -> ${to}`),
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    const { modules, violations } = checkStructure(root, ['packages', 'conformance', 'bench', 'attacks']);
    for (const violation of violations) console.error(violation);
    console.log(`structure: ${modules} modules, ${violations.length} violations`);
    process.exitCode = violations.length === 0 ? 0 : 1;
  } catch (error) {
    console.error(`structure: ${error.message}`);
    process.exitCode = 1;
  }
}
