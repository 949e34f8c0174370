import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { SandboxFile } from './sandbox/sandbox.ts';

/** Code that was read and hashed; what runs is these bytes. */
export interface Code extends SandboxFile {
  /** SHA-256 in hexadecimal. */
  readonly hash: string;
}

/** What the build made, by the name of the file. */
export type Manifest = (name: string) => Code;

/**
 * What the build made for compartments, with the hash of each file. Returns the bytes that were hashed, so that they
 * can be what runs.
 * @throws with one line if a file is not in the manifest, or not what it says
 */
export function openManifest(directory: string): Manifest {
  const { files } = JSON.parse(readFileSync(join(directory, 'manifest.json'), 'utf8')) as {
    readonly files: Readonly<Record<string, string>>;
  };
  return (name) => {
    if (!Object.hasOwn(files, name)) throw new Error(`"${name}" is not in the manifest: run npm run build`);
    const code = loadBuild(join(directory, name), name);
    if (code.hash !== files[name]) throw new Error(`"${code.path}" is not what the manifest says: run npm run build`);
    return code;
  };
}

/** A build that somebody names, who answers for it. */
export function loadBuild(path: string, name = basename(path)): Code {
  const bytes = readFileSync(path);
  return { name, path, bytes, hash: createHash('sha256').update(bytes).digest('hex') };
}
