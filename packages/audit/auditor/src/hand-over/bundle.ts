import { constants } from 'node:fs';
import { copyFile, lstat, mkdir, open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { makePrivateDirectory, readIfThere, writeAtomically } from '@cloister/files';
import { HAND_OVER_FILE_BYTES_MAX, SEALED_STATE_BYTES_MAX } from '@cloister/protocol';
import { fail, failFile } from '../audit-error.ts';

/**
 * A directory with what was handed over: `head` and `pages/` sealed under a key that is in `envelope`, `tags/` in the open,
 * and, with a prover, its `public` key. Whoever carries it can lose it and read how much it is, and nothing else.
 */
export interface Bundle {
  readonly path: string;
  readonly tags: string;
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** @throws AuditError `bad-out` */
export async function newBundle(path: string): Promise<Bundle> {
  await mkdir(path, { mode: 0o700 }).catch((error: { code?: string; message: string }) =>
    error.code === 'EEXIST'
      ? fail('bad-out', `"${path}" is there already`, error)
      : fail('bad-out', `Cannot make "${path}" (${error.message})`, error),
  );
  return { path, tags: join(path, 'tags') };
}

type Part = 'head' | 'envelope' | 'public';

export const writePart = (bundle: Bundle, part: Part, bytes: Uint8Array): Promise<void> =>
  written(join(bundle.path, part), bytes);

export const writeBundledPage = (bundle: Bundle, id: Uint8Array, bytes: Uint8Array): Promise<void> =>
  written(join(bundle.path, 'pages', hex(id)), bytes);

const written = (path: string, bytes: Uint8Array): Promise<void> =>
  writeAtomically(path, bytes).catch((error) => failFile(path, error));

/** A part of a bundle that came from elsewhere; undefined where there is none, or none of its length. */
export const bundledPart = (path: string, part: Part): Promise<Uint8Array | undefined> =>
  partAt(join(path, part), part === 'envelope' ? HAND_OVER_FILE_BYTES_MAX : SEALED_STATE_BYTES_MAX);

export const bundledPage = (path: string, id: Uint8Array): Promise<Uint8Array | undefined> =>
  partAt(join(path, 'pages', hex(id)), SEALED_STATE_BYTES_MAX);

async function partAt(path: string, most: number): Promise<Uint8Array | undefined> {
  const facts = await lstat(path).catch(() => undefined);
  return facts?.isFile() === true && facts.size > 0 && facts.size <= most ? await readIfThere(path) : undefined;
}

/** Copies files of tags, named by 16 hexadecimal digits, from one place to another; they are on the disk then. */
export async function copyTags(from: string, to: string, only?: ReadonlySet<string>): Promise<void> {
  const names = await readdir(from).catch(() => []);
  await makePrivateDirectory(to).catch((error) => failFile(to, error));
  for (const name of names) {
    if (!/^[0-9a-f]{16}$/.test(name) || only?.has(name) === false) continue;
    const source = join(from, name);
    // A link may lead anywhere.
    if (!(await lstat(source)).isFile()) continue;
    const target = join(to, name);
    try {
      await copyFile(source, target, constants.COPYFILE_FICLONE);
      const file = await open(target, 'r+');
      await file.sync().finally(() => file.close());
    } catch (error) {
      failFile(target, error);
    }
  }
}
