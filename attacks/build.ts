import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type BuildOptions, build } from 'esbuild';
import { type Edit, mutantPlugin } from '../tools/mutant.ts';

export type { Edit } from '../tools/mutant.ts';

/** The repository, from its sources as from `dist`. */
export const ROOT = ((): string => {
  for (let folder = dirname(fileURLToPath(import.meta.url)); ; folder = dirname(folder))
    if (existsSync(join(folder, 'tools', 'build.mjs'))) return folder;
})();

/** What attacks build and leave behind, as long as they run. */
export const FOLDER = mkdtempSync(join(tmpdir(), 'cloister-attacks-'));
process.once('exit', () => rmSync(FOLDER, { recursive: true, force: true }));

let built = 0;
export const newFolder = (): string => join(FOLDER, String((built += 1)));

/** As tools/build.mjs builds. */
const OPTIONS: BuildOptions = {
  absWorkingDir: ROOT,
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  conditions: ['source'],
  external: ['esbuild'],
  banner: {
    js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
  },
  logLevel: 'error',
};

/** Bundles source files, by the names that they get in `outdir`, with edits: `.cjs` as compartments are, else modules. */
export async function bundle(
  entries: Readonly<Record<string, string>>,
  outdir: string,
  edits: readonly Edit[] = [],
): Promise<void> {
  const inputs = new Set<string>();
  for (const extension of new Set(Object.keys(entries).map((name) => extname(name)))) {
    const named = Object.entries(entries).filter(([name]) => extname(name) === extension);
    const { metafile } = await build({
      ...OPTIONS,
      ...(extension === '.cjs' ? { format: 'cjs', banner: {} } : {}),
      entryPoints: Object.fromEntries(named.map(([name, path]) => [basename(name, extension), path])),
      outdir,
      outExtension: { '.js': extension },
      plugins: [mutantPlugin(ROOT, edits)],
      metafile: true,
    });
    for (const input of Object.keys(metafile.inputs)) inputs.add(input);
  }
  // An edit of a file that is no part of any bundle would switch nothing off.
  for (const [file] of edits)
    if (!inputs.has(file)) throw new Error(`"${file}" is in none of ${Object.keys(entries).join(', ')}`);
}
