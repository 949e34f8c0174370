// Builds what the manifest names (bundles of compartments, their filters, the launcher), and the manifest. The same
// sources and the same esbuild (package-lock.json) make the same bytes, wherever they lie: `cloister verify --rebuild`.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

export const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const PROCESSES = 'packages/host/launcher/src/compartments';
const LAUNCHER = 'packages/host/launcher/src/privileged/main.ts';
/**
 * What runs with less than the user's rights, or starts what does: its hash stands in the manifest.
 * `probe` takes the place of each of them in `attacks`, and `five-functions` that of the enclave in `bench`.
 */
const COMPARTMENTS = {
  machine: `${PROCESSES}/machine-process.ts`,
  hart: 'packages/trusted/hardware/src/hart/worker.ts',
  slice: `${PROCESSES}/slice-process.ts`,
  storage: `${PROCESSES}/storage-process.ts`,
  scheduler: `${PROCESSES}/scheduler-process.ts`,
  builder: `${PROCESSES}/builder-process.ts`,
  enclave: `${PROCESSES}/enclave-process.ts`,
  toolstack: `${PROCESSES}/toolstack-process.ts`,
  probe: 'attacks/probes/probe.ts',
  'five-functions': 'bench/pdp/five-functions.ts',
};

export const options = {
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

/** What of these is there; a tree may lack what it does not run. */
export const present = (entries) =>
  Object.fromEntries(Object.entries(entries).filter(([, path]) => existsSync(join(root, path))));

/** What a module exports, without a file of it. */
async function load(path) {
  const { outputFiles } = await build({ ...options, entryPoints: [path], banner: {}, sourcemap: false, write: false });
  return import(`data:text/javascript;base64,${Buffer.from(outputFiles[0].contents).toString('base64')}`);
}

/** Harts that a machine has (launcher/compartments/machine.ts). */
const HARTS = 1;
async function interpreters() {
  const { interpreterBytes } = await load('packages/trusted/hardware/src/hart/interpreter-bytes.ts');
  return {
    name: 'interpreters',
    setup(setup) {
      const texts = Array.from({ length: HARTS }, (_, hart) => Buffer.from(interpreterBytes(hart)).toString('base64'));
      setup.onLoad({ filter: /interpreter-bytes\.ts$/ }, () => ({
        contents: `const texts = ${JSON.stringify(texts)};
        export const interpreterBytes = (hart) => {
          const text = atob(texts[hart]);
          const bytes = new Uint8Array(text.length);
          for (let i = 0; i < bytes.length; i += 1) bytes[i] = text.charCodeAt(i);
          return bytes;
        };`,
      }));
    },
  };
}

/** @param folder where they are written */
export async function buildCompartments(folder) {
  const outdir = resolve(folder);
  const compartments = present(COMPARTMENTS);
  await build({ ...options, entryPoints: { launcher: LAUNCHER }, outdir });
  // Node starts a CommonJS file 6 ms sooner than a module (measured, Node 20.20), and it says by its name what it is.
  await build({
    ...options,
    entryPoints: compartments,
    outdir,
    format: 'cjs',
    outExtension: { '.js': '.cjs' },
    banner: {},
    plugins: [await interpreters()],
  });
  mkdirSync(join(outdir, 'filters'), { recursive: true });
  const { everyFilter } = await load('packages/host/launcher/src/sandbox/linux/every-filter.ts');
  const filters = [...everyFilter()];
  for (const [name, bytes] of filters) writeFileSync(join(outdir, name), bytes);
  // What a machine finds at /proc/meminfo (sandbox.ts).
  writeFileSync(join(outdir, 'meminfo'), 'MemTotal: 1048576 kB\n');
  const names = [
    'launcher.js',
    'meminfo',
    ...Object.keys(compartments).map((name) => `${name}.cjs`),
    ...filters.map(([name]) => name),
  ];
  const hash = (name) =>
    createHash('sha256')
      .update(readFileSync(join(outdir, name)))
      .digest('hex');
  writeFileSync(
    join(outdir, 'manifest.json'),
    `${JSON.stringify({ schema: 1, files: Object.fromEntries(names.map((name) => [name, hash(name)])) }, null, 2)}\n`,
  );
}

// Run by itself it builds into the folder that it is given, and nothing else.
if (process.argv[1] === fileURLToPath(import.meta.url)) await buildCompartments(process.argv[2]);
