// Bundles what runs into dist/: one file for each compartment or command, found by what is in ENTRIES.
import { existsSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

const ENTRIES = {
  cli: 'packages/clients/cli/src/main.ts',
  sdk: 'packages/clients/sdk/src/index.ts',
  hart: 'packages/trusted/hardware/src/hart/worker.ts',
  compartment: 'packages/host/launcher/src/compartments/child.ts',
  slice: 'packages/deprivileged/slice/src/main.ts',
  storage: 'packages/deprivileged/storage/src/main.ts',
  builder: 'packages/deprivileged/builder/src/main.ts',
  conformance: 'conformance/main.ts',
  bench: 'bench/main.ts',
  full: 'bench/full.ts',
};

const present = Object.entries(ENTRIES).filter(([, path]) => existsSync(join(root, path)));
mkdirSync(join(root, 'dist'), { recursive: true });
await build({
  absWorkingDir: root,
  entryPoints: Object.fromEntries(present),
  outdir: 'dist',
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  conditions: ['source'],
  sourcemap: 'linked',
  banner: {
    js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
  },
  logLevel: 'warning',
});
