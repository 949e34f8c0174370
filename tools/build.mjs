// Bundles what runs into dist/, compiles the compartments' filters, and writes the manifest of both.
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { buildCompartments, options, present, root } from './compartments.mjs';

const PROGRAMS = {
  conformance: 'conformance/main.ts',
  bench: 'bench/main.ts',
  'loaded-guest': 'bench/protection/loaded-guest-process.ts',
  full: 'bench/full.ts',
  attacks: 'attacks/main.ts',
};

const dist = join(root, 'dist');
mkdirSync(dist, { recursive: true });
writeFileSync(join(dist, 'package.json'), '{ "type": "module" }\n');
await buildCompartments(dist);
await build({ ...options, entryPoints: present(PROGRAMS), outdir: 'dist' });
// The command line in parts: what only some commands need is loaded with them.
for (const file of readdirSync(dist)) if (/^cli-.*\.js/.test(file)) rmSync(join(dist, file));
await build({
  ...options,
  entryPoints: { cli: 'packages/clients/cli/src/main.ts' },
  outdir: 'dist',
  splitting: true,
  chunkNames: 'cli-[name]-[hash]',
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
  join(dist, 'report.html'),
  part('page.html')
    .replace('__SCRIPT_HASH__', () => scriptHash)
    .replace('__STYLE__', () => part('page.css'))
    .replace('__SCRIPT__', () => script),
);
