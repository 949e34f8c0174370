// Bundles what runs into dist/: one file for each compartment or command, found by what is in ENTRIES.
import { existsSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

const ENTRIES = {
  cli: 'packages/clients/cli/src/main.ts',
  hart: 'packages/trusted/hardware/src/hart/worker.ts',
  launcher: 'packages/host/launcher/src/privileged/main.ts',
  machine: 'packages/host/launcher/src/compartments/machine-process.ts',
  slice: 'packages/host/launcher/src/compartments/slice-process.ts',
  storage: 'packages/host/launcher/src/compartments/storage-process.ts',
  scheduler: 'packages/host/launcher/src/compartments/scheduler-process.ts',
  conformance: 'conformance/main.ts',
  bench: 'bench/main.ts',
  full: 'bench/full.ts',
};

const present = Object.entries(ENTRIES).filter(([, path]) => existsSync(join(root, path)));
mkdirSync(join(root, 'dist'), { recursive: true });
const options = {
  absWorkingDir: root,
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
};
await build({ ...options, entryPoints: Object.fromEntries(present), outdir: 'dist' });
// What `import '@cloister/sdk'` finds without TypeScript.
await build({
  ...options,
  entryPoints: ['packages/clients/sdk/src/index.ts'],
  outfile: 'packages/clients/sdk/dist/index.js',
});
