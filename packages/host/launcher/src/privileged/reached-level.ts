import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { release } from 'node:os';
import { join } from 'node:path';
import type { Manifest } from '../manifest.ts';
import { filterName, isJitless } from '../sandbox/compartment-kind.ts';
import { reachLevel } from '../sandbox/level.ts';
import type { NodeRuntime } from '../sandbox/node-runtime.ts';
import type { Level } from '../sandbox/sandbox.ts';

/**
 * The level that this machine reaches. Trying takes two starts of Node (about 150 ms), so what was found is kept beside
 * the launcher's socket, for as long as nothing has changed that it depends on.
 */
export async function reachedLevel(node: NodeRuntime, manifest: Manifest, directory: string): Promise<Level> {
  const path = join(directory, 'level.json');
  const filterOf = (kind: 'machine' | 'slice', { landlock }: { readonly landlock: boolean }) =>
    manifest(filterName(kind, node.architecture, { jitless: isJitless(kind, node.major), landlock }));
  const circumstances = JSON.stringify([
    release(),
    node.executable,
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
  const { level } = await reachLevel(node, filterOf);
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
