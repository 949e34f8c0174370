import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleUrl } from '../bundles.ts';
import { openManifest } from '../manifest.ts';
import { filterName, isJitless } from '../sandbox/compartment-kind.ts';
import { type ReachedLevel, reachLevel } from '../sandbox/level.ts';
import { thisNode } from '../sandbox/node-runtime.ts';

/** Tries now which sandbox this machine can hold compartments in. */
export async function sandboxLevel(): Promise<ReachedLevel> {
  const node = thisNode();
  const manifest = openManifest(dirname(fileURLToPath(bundleUrl('launcher'))));
  return reachLevel(node, (kind, { landlock }) =>
    manifest(filterName(kind, node.architecture, { jitless: isJitless(kind, node.major), landlock })),
  );
}
