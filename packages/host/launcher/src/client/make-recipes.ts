import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleUrl } from '../bundles.ts';
import type { Recipes } from '../recipes.ts';
import { COMPARTMENT_KINDS, type CompartmentKind, filterName, isJitless } from '../sandbox/compartment-kind.ts';
import { thisNode } from '../sandbox/node-runtime.ts';
import { type Level, levelOf, MEMINFO, recipeOf } from '../sandbox/sandbox.ts';
import { openManifest } from './manifest.ts';

/** What the launcher starts compartments by, on this machine and from this build. */
export function makeRecipes(reached: Level): Recipes {
  const node = thisNode();
  const manifest = openManifest(dirname(fileURLToPath(bundleUrl('launcher'))));
  const recipeFor = (kind: CompartmentKind) => {
    const variant = { jitless: isJitless(kind, node.major), landlock: reached === 'landlock' };
    const names = [
      filterName(kind, node.architecture, variant),
      `${kind}.cjs`,
      ...(kind === 'machine' ? ['hart.cjs', MEMINFO] : []),
    ];
    const files = names.map((name) => manifest.file(name));
    // A machine is told where its hart's code lies.
    const hart = levelOf(kind, reached) === 'full' ? '/app/{name:2}' : '{path:2}';
    return { ...recipeOf(reached, { kind, node, files, args: kind === 'machine' ? [hart] : [] }), files };
  };
  const recipes = Object.fromEntries(COMPARTMENT_KINDS.map((kind) => [kind, recipeFor(kind)]));
  const debug = {
    ...recipeFor('slice'),
    ...({
      level: 'none',
      file: node.executable,
      args: ['--inspect=127.0.0.1:0', '{path:1}'],
      env: {},
      fed: false,
    } as const),
  };
  return { ...recipes, debug };
}
