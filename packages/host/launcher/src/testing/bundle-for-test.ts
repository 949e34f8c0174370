import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';

/** Bundles a program of the tests into a file of its own. */
export function bundleForTest(source: URL): { readonly path: string; remove(): void } {
  const folder = mkdtempSync(join(tmpdir(), 'bundle-for-test-'));
  const path = join(folder, 'program.mjs');
  buildSync({
    entryPoints: [fileURLToPath(source)],
    outfile: path,
    bundle: true,
    format: 'esm',
    platform: 'node',
    conditions: ['source'],
  });
  return { path, remove: () => rmSync(folder, { recursive: true, force: true }) };
}
