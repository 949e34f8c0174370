import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Plugin } from 'esbuild';

/** One place of the source: the file from the repository's root, what stands there exactly once, what stands there instead. */
export type Edit = readonly [file: string, from: string, to: string];

/** The source with its edits. @throws when what one replaces is not there once: it would switch nothing off */
export function editedSource(source: string, edits: readonly Edit[]): string {
  for (const [file, from] of edits)
    if (source.split(from).length !== 2) throw new Error(`"${from}" is not once in ${file}`);
  return edits.reduce((text, [, from, to]) => text.replace(from, () => to), source);
}

/** Builds with other source at these places: a check switched off, of which the production code knows nothing. */
export function mutantPlugin(root: string, edits: readonly Edit[]): Plugin {
  const byPath = new Map<string, Edit[]>();
  for (const edit of edits) {
    const path = resolve(root, edit[0]);
    byPath.set(path, [...(byPath.get(path) ?? []), edit]);
  }
  return {
    name: 'mutant',
    setup(setup) {
      // A filter for each file: those that pass one cost a message to esbuild and back, a third of its time if all do.
      for (const [path, mine] of byPath)
        setup.onLoad({ filter: new RegExp(`^${path.replace(/[^\w/]/g, '\\$&')}$`) }, () => ({
          contents: editedSource(readFileSync(path, 'utf8'), mine),
          loader: 'ts',
        }));
    },
  };
}
