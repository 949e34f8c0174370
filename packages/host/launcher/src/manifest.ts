import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { SandboxFile } from './sandbox/sandbox.ts';

/**
 * What the build made for compartments, with the hash of each file. Returns the bytes that were hashed, so that they
 * can be what runs.
 * @throws with one line if a file is not in the manifest, or not what it says
 */
export function openManifest(directory: string): (name: string) => SandboxFile {
  const { files } = JSON.parse(readFileSync(join(directory, 'manifest.json'), 'utf8')) as {
    readonly files: Readonly<Record<string, string>>;
  };
  return (name) => {
    const path = join(directory, name);
    if (!Object.hasOwn(files, name)) throw new Error(`"${name}" is not in the manifest: run npm run build`);
    const bytes = readFileSync(path);
    if (createHash('sha256').update(bytes).digest('hex') !== files[name])
      throw new Error(`"${path}" is not what the manifest says: run npm run build`);
    return { name, path, bytes };
  };
}
