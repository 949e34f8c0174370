// Bundles what runs into dist/, compiles the compartments' filters, and writes the manifest of both.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
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
  builder: 'packages/host/launcher/src/compartments/builder-process.ts',
  enclave: 'packages/host/launcher/src/compartments/enclave-process.ts',
  toolstack: 'packages/host/launcher/src/compartments/toolstack-process.ts',
  conformance: 'conformance/main.ts',
  bench: 'bench/main.ts',
  full: 'bench/full.ts',
  attacks: 'attacks/main.ts',
  probe: 'attacks/probes/probe.ts',
  'five-functions': 'bench/pdp/five-functions.ts',
};

/**
 * What runs with less than the user's rights, or starts what does: its hash stands in the manifest.
 * `probe` takes the place of each of them in `attacks`, and `five-functions` that of the enclave in `bench`.
 */
const COMPARTMENTS = [
  ...['machine', 'hart', 'slice', 'storage', 'scheduler', 'builder', 'enclave', 'toolstack'],
  ...['probe', 'five-functions'],
];

const present = Object.entries(ENTRIES).filter(([, path]) => existsSync(join(root, path)));
mkdirSync(join(root, 'dist'), { recursive: true });
const options = {
  absWorkingDir: root,
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  conditions: ['source'],
  // `attacks` builds what it attacks.
  external: ['esbuild'],
  sourcemap: 'linked',
  banner: {
    js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
  },
  logLevel: 'warning',
};
const isCompartment = ([name]) => COMPARTMENTS.includes(name);
/** What a module exports, without a file of it. */
async function load(path) {
  const { outputFiles } = await build({ ...options, entryPoints: [path], banner: {}, sourcemap: false, write: false });
  return import(`data:text/javascript;base64,${Buffer.from(outputFiles[0].contents).toString('base64')}`);
}

const { interpreterBytes } = await load('packages/trusted/hardware/src/hart/interpreter-bytes.ts');
/** Harts that a machine has (launcher/compartments/machine.ts). */
const HARTS = 1;
const interpreters = {
  name: 'interpreters',
  setup(setup) {
    const texts = Array.from({ length: HARTS }, (_, hart) => Buffer.from(interpreterBytes(hart)).toString('base64'));
    setup.onLoad({ filter: /interpreter-bytes\.ts$/ }, () => ({
      contents: `const texts = ${JSON.stringify(texts)};
        export const interpreterBytes = (hart) => Uint8Array.from(atob(texts[hart]), (c) => c.charCodeAt(0));`,
    }));
  },
};
const programs = present.filter((entry) => !isCompartment(entry));
await build({
  ...options,
  entryPoints: Object.fromEntries(programs.filter(([name]) => name !== 'cli')),
  outdir: 'dist',
});
// The command line in parts: what only some commands need is loaded with them.
for (const file of readdirSync(join(root, 'dist'))) if (/^cli-.*\.js/.test(file)) rmSync(join(root, 'dist', file));
await build({
  ...options,
  entryPoints: Object.fromEntries(programs.filter(([name]) => name === 'cli')),
  outdir: 'dist',
  splitting: true,
  chunkNames: 'cli-[name]-[hash]',
});
// Node starts a CommonJS file 6 ms sooner than a module (measured, Node 20.20), and it says by its name what it is.
await build({
  ...options,
  entryPoints: Object.fromEntries(present.filter(isCompartment)),
  outdir: 'dist',
  format: 'cjs',
  outExtension: { '.js': '.cjs' },
  banner: {},
  plugins: [interpreters],
});
// What `import '@cloister/sdk'` finds without TypeScript.
await build({
  ...options,
  entryPoints: ['packages/clients/sdk/src/index.ts'],
  outfile: 'packages/clients/sdk/dist/index.js',
});

// The page of reports: one file, whose script the page itself names by its hash.
const { outputFiles: reportFiles } = await build({
  ...options,
  entryPoints: ['packages/clients/report/src/main.ts'],
  format: 'iife',
  platform: 'browser',
  target: 'es2023',
  minify: true,
  sourcemap: false,
  banner: {},
  write: false,
});
const part = (name) => readFileSync(join(root, 'packages/clients/report/src', name), 'utf8');
const script = reportFiles[0].text.trim().replaceAll('</script', '<\\/script');
const scriptHash = `sha256-${createHash('sha256').update(script).digest('base64')}`;
writeFileSync(
  join(root, 'dist/report.html'),
  part('page.html')
    .replace('__SCRIPT_HASH__', () => scriptHash)
    .replace('__STYLE__', () => part('page.css'))
    .replace('__SCRIPT__', () => script),
);

const dist = join(root, 'dist');
mkdirSync(join(dist, 'filters'), { recursive: true });
writeFileSync(join(dist, 'package.json'), '{ "type": "module" }\n');
const { everyFilter } = await load('packages/host/launcher/src/sandbox/linux/every-filter.ts');
const filters = [...everyFilter()];
for (const [name, bytes] of filters) writeFileSync(join(dist, name), bytes);
const names = [
  'launcher.js',
  ...present.filter(isCompartment).map(([name]) => `${name}.cjs`),
  ...filters.map(([name]) => name),
];
const hash = (name) =>
  createHash('sha256')
    .update(readFileSync(join(dist, name)))
    .digest('hex');
writeFileSync(
  join(dist, 'manifest.json'),
  `${JSON.stringify({ schema: 1, files: Object.fromEntries(names.map((name) => [name, hash(name)])) }, null, 2)}\n`,
);
