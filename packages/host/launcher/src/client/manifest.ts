import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RecipeFile } from '../recipes.ts';
import type { SandboxFile } from '../sandbox/sandbox.ts';

/** What the build made for compartments. */
export interface Manifest {
  /** What the file must be. @throws with one line for a file that is not in the manifest */
  file(name: string): RecipeFile;
  /** Its bytes, which were hashed, so that they can be what runs. @throws with one line if it is not what the manifest says */
  read(name: string): SandboxFile & RecipeFile;
}

export function openManifest(directory: string): Manifest {
  const { files } = JSON.parse(readFileSync(join(directory, 'manifest.json'), 'utf8')) as {
    readonly files: Readonly<Record<string, string>>;
  };
  const file = (name: string): RecipeFile => {
    const hash = Object.hasOwn(files, name) ? files[name] : undefined;
    if (hash === undefined) throw new Error(`"${name}" is not in the manifest: run npm run build`);
    return { name, path: join(directory, name), hash };
  };
  return {
    file,
    read(name) {
      const found = file(name);
      const bytes = readFileSync(found.path);
      if (createHash('sha256').update(bytes).digest('hex') !== found.hash)
        throw new Error(`"${found.path}" is not what the manifest says: run npm run build`);
      return { ...found, bytes };
    },
  };
}
