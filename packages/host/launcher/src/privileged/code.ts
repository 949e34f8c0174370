import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleUrl } from '../bundles.ts';
import type { SandboxFile } from '../sandbox/sandbox.ts';

/** Code that was read and hashed; what runs is these bytes. */
export interface Code extends SandboxFile {
  /** SHA-256 in hexadecimal. */
  readonly hash: string;
}

/** What the build put beside the launcher: nothing else is started, unless a client names a build of its own. */
export interface CodeStore {
  /** @throws if the file is not what the manifest says */
  load(name: string): Code;
}

/** @throws if there is no manifest of this build */
export function openCodeStore(): CodeStore {
  const directory = dirname(fileURLToPath(bundleUrl('launcher')));
  const manifest = JSON.parse(readFileSync(join(directory, 'manifest.json'), 'utf8')) as {
    readonly files: Readonly<Record<string, string>>;
  };
  return {
    load(name) {
      const code = loadBuild(join(directory, name));
      if (code.hash !== manifest.files[name])
        throw new Error(`"${name}" is not what the manifest of this build says: install Cloister again`);
      return code;
    },
  };
}

/** A build that a client named. */
export function loadBuild(path: string): Code {
  const bytes = readFileSync(path);
  return { name: basename(path), path, bytes, hash: createHash('sha256').update(bytes).digest('hex') };
}
