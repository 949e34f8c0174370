import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Measurement } from '@cloister/evidence';
import { CloisterError, measureEnclave } from '@cloister/sdk';

const BUILD_MS = 300_000;
const run = promisify(execFile);

/** What sources make: the SHA-256 of each file that the manifest of the build names, or what is another there. */
export type Rebuilt =
  | { readonly ok: true; readonly files: ReadonlyMap<string, string> }
  | { readonly ok: false; readonly difference: string };

/** Where this command was built, and from what. @throws CloisterError if the sources are not there */
function sourceTree(): { readonly tree: string; readonly dist: string } {
  const dist = dirname(fileURLToPath(import.meta.url));
  const tree = dirname(dist);
  for (const part of ['tools/compartments.mjs', 'packages/audit/enclave/src', 'node_modules/esbuild'])
    if (!existsSync(join(tree, part)))
      throw new CloisterError('bad-usage', `The sources of this build are not there: no "${join(tree, part)}"`, {
        hint: 'Run it in a clone of the repository, after "npm ci"',
      });
  return { tree, dist };
}

/** Builds twice from a source tree, each time anew, and compares every byte with a build. @throws CloisterError */
export async function rebuild(tree: string, dist: string): Promise<Rebuilt> {
  const folder = mkdtempSync(join(tmpdir(), 'cloister-rebuild-'));
  const [first, second] = [join(folder, 'first'), join(folder, 'second')];
  try {
    for (const out of [first, second])
      await run(process.execPath, [join(tree, 'tools/compartments.mjs'), out], {
        ...{ cwd: tree, timeout: BUILD_MS, killSignal: 'SIGKILL', maxBuffer: 2 ** 24 },
      }).catch((error: { readonly stderr?: string; readonly message: string }) => {
        const why = (error.stderr || error.message).trim().split('\n')[0];
        throw new CloisterError('bad-file', `"${tree}" does not build: ${why}`);
      });
    const difference = differenceIn(first, second) ?? differenceIn(first, dist);
    return difference === undefined ? { ok: true, files: manifestOf(first) } : { ok: false, difference };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The first file, in the manifest's order, that is another in `there` than it was made. */
export function differenceIn(made: string, there: string): string | undefined {
  const [files, named] = [manifestOf(made), manifestOf(there)];
  for (const [name, hash] of files) {
    const path = join(there, name);
    const bytes = existsSync(path) ? readFileSync(path) : undefined;
    if (bytes === undefined) return `"${path}" is not there`;
    if (sha256(bytes) !== hash)
      return `"${path}" differs from what the sources make ${placeIn(readFileSync(join(made, name)), bytes)}`;
    if (named.get(name) !== hash) return `"${join(there, 'manifest.json')}" has another hash for "${name}"`;
  }
  const more = [...named.keys()].find((name) => !files.has(name));
  return more === undefined
    ? undefined
    : `"${join(there, 'manifest.json')}" names "${more}", which the sources do not make`;
}

/** Where the first byte differs; a bundle says before each module which it is. */
function placeIn(made: Buffer, there: Buffer): string {
  let at = 0;
  while (at < there.length && at < made.length && made[at] === there[at]) at += 1;
  const before = made.subarray(0, at).toString('latin1');
  const module = before
    .match(/^\/\/ (?:packages|node_modules|attacks)\/.*$/gm)
    ?.at(-1)
    ?.slice(3);
  const line = before.split('\n').length;
  return `at byte ${at}${module === undefined ? '' : ` (line ${line}, in ${module})`}`;
}

function manifestOf(folder: string): ReadonlyMap<string, string> {
  const path = join(folder, 'manifest.json');
  try {
    const { files } = JSON.parse(readFileSync(path, 'utf8')) as { readonly files: Readonly<Record<string, string>> };
    return new Map(Object.entries(files));
  } catch (error) {
    throw new CloisterError('bad-file', `Cannot read "${path}" (${(error as Error).message})`);
  }
}

/** What of measurements is what the sources make (`bundle`, `filter`), and what is as it is on this machine. */
export type Measured = Readonly<Record<keyof Measurement, boolean>>;

export function compareMeasurements(
  measurements: readonly Measurement[],
  files: ReadonlyMap<string, string>,
  here: Measurement,
): Measured {
  const filters = [...files].filter(([name]) => name.startsWith('filters/enclave.')).map(([, hash]) => hash);
  const all = (isSame: (measurement: Measurement) => boolean): boolean => measurements.every(isSame);
  return {
    bundle: all(({ bundle }) => hex(bundle) === files.get('enclave.cjs')),
    filter: all(({ filter }) => filters.includes(hex(filter))),
    node: all(({ node }) => hex(node) === hex(here.node)),
    libraries: all(({ libraries }) => hex(libraries) === hex(here.libraries)),
    command: all(({ command }) => command === here.command),
    level: all(({ level }) => level === here.level),
  };
}

/** What this build is beside its sources, and what receipts can be compared with then. */
export type RebuiltHere =
  | Extract<Rebuilt, { ok: false }>
  | (Extract<Rebuilt, { ok: true }> & {
      readonly tree: string;
      compare(measurements: readonly Measurement[]): Measured;
    });

/** @throws CloisterError */
export async function rebuiltHere(): Promise<RebuiltHere> {
  const { tree, dist } = sourceTree();
  const rebuilt = await rebuild(tree, dist);
  if (!rebuilt.ok) return rebuilt;
  const here = await measureEnclave();
  return { ...rebuilt, tree, compare: (measurements) => compareMeasurements(measurements, rebuilt.files, here) };
}

export const rebuiltLine = (rebuilt: RebuiltHere): string =>
  rebuilt.ok
    ? `rebuilt: ${rebuilt.files.size} files, twice from "${rebuilt.tree}", byte for byte what is built here`
    : `rebuilt: ${rebuilt.difference}`;

export const shownRebuilt = (rebuilt: RebuiltHere | undefined): object | undefined =>
  rebuilt?.ok === true
    ? { same: true, files: Object.fromEntries(rebuilt.files) }
    : rebuilt && { same: false, difference: rebuilt.difference };

/** A line on what was compared. */
export function measuredLine(measured: Measured): string {
  const { bundle, filter, ...machine } = measured;
  const other = (parts: Partial<Measured>): string =>
    Object.entries(parts)
      .filter(([, same]) => !same)
      .map(([part]) => part)
      .join(', ');
  const code = other({ bundle, filter });
  const made = code === '' ? 'bundle and filter are what these sources make' : `not what these sources make: ${code}`;
  const away = other(machine);
  return `${made}; ${away === '' ? 'all else is as on this machine' : `other than on this machine: ${away}`}`;
}

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
