import { createHash } from 'node:crypto';
import { createReadStream, readFileSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { thisNode } from '../sandbox/node-runtime.ts';
import { makeRecipes } from './make-recipes.ts';
import { runtimeDirectory } from './runtime-directory.ts';
import { knownLevel } from './sandbox-level.ts';

/** What an enclave of this build is on this machine; hashes are SHA-256. */
export interface EnclaveMeasurement {
  readonly bundle: Uint8Array;
  readonly filter: Uint8Array;
  readonly node: Uint8Array;
  readonly libraries: Uint8Array;
  readonly command: string;
  readonly level: string;
}

/**
 * Measures what the launcher would start now. The launcher itself compares bundle and filter with the same hashes when
 * it does; Node and its libraries are whatever lies there.
 */
export async function measureEnclave(): Promise<EnclaveMeasurement> {
  const { executable, libraries } = thisNode();
  const directory = runtimeDirectory();
  const { level, file, args, env, files } = makeRecipes(await knownLevel(directory)).enclave!;
  const [filter, bundle] = files.map(({ hash }) => new Uint8Array(Buffer.from(hash, 'hex')));
  const hashes = await hashesOf([executable, ...libraries], join(directory, 'measured.json'));
  const [node, ...rest] = hashes.map(({ hash }) => hash);
  const together = createHash('sha256').update(rest.sort().join('\n')).digest();
  // Where things lie is this machine's own; what they are is measured.
  const words = [file, ...args].map((word) => (word.startsWith('/') ? basename(word) : word));
  return {
    ...{ bundle: bundle!, filter: filter!, node: new Uint8Array(Buffer.from(node!, 'hex')) },
    libraries: new Uint8Array(together),
    command: JSON.stringify([Object.entries(env).sort(), ...words]),
    level,
  };
}

interface Hashed {
  readonly path: string;
  /** When and how long it was when it was hashed. */
  readonly stamp: string;
  readonly hash: string;
}

/** Node has 100 MiB, which takes 70 ms to hash: what has not changed since is not hashed again. */
async function hashesOf(paths: readonly string[], cache: string): Promise<readonly Hashed[]> {
  let known: readonly Hashed[] = [];
  try {
    known = JSON.parse(readFileSync(cache, 'utf8')) as readonly Hashed[];
  } catch {
    // Never measured, or not to be read: it is measured now.
  }
  const hashes: Hashed[] = [];
  for (const path of paths) {
    const { mtimeNs, ctimeNs, size, ino } = statSync(path, { bigint: true });
    const stamp = [mtimeNs, ctimeNs, size, ino].join(' ');
    const before = known.find((each) => each.path === path && each.stamp === stamp);
    hashes.push(before ?? { path, stamp, hash: await hashFile(path) });
  }
  writeFileSync(cache, JSON.stringify(hashes), { mode: 0o600 });
  return hashes;
}

async function hashFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const piece of createReadStream(path, { highWaterMark: 2 ** 20 })) hash.update(piece as Buffer);
  return hash.digest('hex');
}
