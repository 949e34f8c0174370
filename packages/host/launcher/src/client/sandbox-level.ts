import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { release } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleUrl } from '../bundles.ts';
import { filterName, isJitless } from '../sandbox/compartment-kind.ts';
import { type ReachedLevel, reachLevel } from '../sandbox/level.ts';
import { thisNode } from '../sandbox/node-runtime.ts';
import type { Level } from '../sandbox/sandbox.ts';
import { openManifest } from './manifest.ts';

/** Tries now which sandbox this machine can hold compartments in. */
export async function sandboxLevel(): Promise<ReachedLevel> {
  return reachLevel(thisNode(), filters());
}

function filters() {
  const { major, architecture } = thisNode();
  const manifest = openManifest(dirname(fileURLToPath(bundleUrl('launcher'))));
  return (kind: 'machine' | 'slice', { landlock }: { readonly landlock: boolean }) =>
    manifest.read(filterName(kind, architecture, { jitless: isJitless(kind, major), landlock }));
}

/**
 * The level that this machine reaches, for a launcher that is started now. Trying takes two starts of Node (about 150 ms),
 * so what was found is kept in the runtime directory, for as long as nothing has changed that it depends on.
 */
export async function knownLevel(directory: string): Promise<Level> {
  const path = join(directory, 'level.json');
  const filterOf = filters();
  const circumstances = JSON.stringify([
    release(),
    process.execPath,
    process.version,
    process.getuid?.(),
    ...['bwrap', 'setpriv', 'prlimit'].map(whereabouts),
    (['machine', 'slice'] as const).map((kind) => filterOf(kind, { landlock: false }).hash),
  ]);
  try {
    const known = JSON.parse(readFileSync(path, 'utf8')) as { circumstances: string; level: Level };
    if (known.circumstances === circumstances) return known.level;
  } catch {
    // Never tried, or not to be read: it is tried now.
  }
  const { level } = await reachLevel(thisNode(), filterOf);
  writeFileSync(path, JSON.stringify({ circumstances, level }), { mode: 0o600 });
  return level;
}

/** Where a program of PATH lies and when it was last changed. */
function whereabouts(name: string): readonly unknown[] {
  for (const folder of (process.env.PATH ?? '').split(':')) {
    const found = statSync(join(folder, name), { throwIfNoEntry: false });
    if (found !== undefined) return [folder, found.mtimeMs];
  }
  return [];
}
