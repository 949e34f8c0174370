import { createHash } from 'node:crypto';
import { appendFileSync, cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { bundle, type Edit, FOLDER, newFolder, ROOT } from '../build.ts';

type Client = typeof import('./client.ts');

/** Cloister as it is built and started for users, from the same sources or from sources without a check. */
export interface World extends Client {
  readonly folder: string;
  /** The directory of its launcher's socket. */
  readonly runtime: string;
}

const LAUNCHER = 'packages/host/launcher/src';
const ENTRIES = {
  'launcher.js': `${LAUNCHER}/privileged/main.ts`,
  'machine.cjs': `${LAUNCHER}/compartments/machine-process.ts`,
  'hart.cjs': 'packages/trusted/hardware/src/hart/worker.ts',
  'slice.cjs': `${LAUNCHER}/compartments/slice-process.ts`,
  'storage.cjs': `${LAUNCHER}/compartments/storage-process.ts`,
  'scheduler.cjs': `${LAUNCHER}/compartments/scheduler-process.ts`,
  'builder.cjs': `${LAUNCHER}/compartments/builder-process.ts`,
  'enclave.cjs': `${LAUNCHER}/compartments/enclave-process.ts`,
  'toolstack.cjs': `${LAUNCHER}/compartments/toolstack-process.ts`,
  'client.js': 'attacks/processes/client.ts',
  'child.js': 'attacks/processes/programs/child.ts',
} as const;

const runtime = join(FOLDER, 'runtime');
const worlds = new Map<string, Promise<World>>();

/**
 * @param tamper changes what was built, after the manifest was written
 * @param toolstack the source of another one, of which the manifest knows
 * @param name of who alone uses it
 */
export function worldWithout(
  edits: readonly Edit[],
  tamper?: (folder: string) => void,
  toolstack: string = ENTRIES['toolstack.cjs'],
  name = '',
): Promise<World> {
  const key = `${JSON.stringify([edits, toolstack, name])}${tamper ?? ''}`;
  let world = worlds.get(key);
  if (world === undefined) {
    world = makeWorld(edits, tamper, toolstack);
    worlds.set(key, world);
  }
  return world;
}

async function makeWorld(
  edits: readonly Edit[],
  tamper: ((folder: string) => void) | undefined,
  toolstack: string,
): Promise<World> {
  const folder = newFolder();
  await bundle({ ...ENTRIES, 'toolstack.cjs': toolstack }, folder, edits);
  // Each world has a launcher of its own: clients find it by the hash of its bundle.
  appendFileSync(join(folder, 'launcher.js'), `\n// ${folder}\n`);
  for (const name of ['filters', 'meminfo', 'package.json'])
    cpSync(join(ROOT, 'dist', name), join(folder, name), { recursive: true });
  const { files } = JSON.parse(readFileSync(join(ROOT, 'dist', 'manifest.json'), 'utf8')) as {
    files: Record<string, string>;
  };
  const present = Object.keys(files).filter((name) => existsSync(join(folder, name)));
  const hashOf = (name: string): string =>
    createHash('sha256')
      .update(readFileSync(join(folder, name)))
      .digest('hex');
  writeFileSync(
    join(folder, 'manifest.json'),
    JSON.stringify({ schema: 1, files: Object.fromEntries(present.map((name) => [name, hashOf(name)])) }),
  );
  tamper?.(folder);
  mkdirSync(runtime, { recursive: true, mode: 0o700 });
  process.env.CLOISTER_RUNTIME_DIR = runtime;
  const client = (await import(pathToFileURL(join(folder, 'client.js')).href)) as Client;
  return { ...client, folder, runtime };
}

let programs = 0;
/** A hostile program as a build of its own, with what it is told. */
export async function program(source: string, plan: object = {}): Promise<string> {
  const folder = newFolder();
  await bundle({ 'program.mjs': `attacks/processes/programs/${source}.ts` }, folder);
  const path = join(folder, `${(programs += 1)}.mjs`);
  writeFileSync(
    path,
    `globalThis.plan = ${JSON.stringify(plan)};\n${readFileSync(join(folder, 'program.mjs'), 'utf8')}`,
  );
  return path;
}
