import { lstatSync, mkdirSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { LaunchError } from './launch-error.ts';

/**
 * Where the launcher's socket lies: `CLOISTER_RUNTIME_DIR`, or a directory of the user's in `XDG_RUNTIME_DIR` or the
 * directory for temporary files.
 * @throws LaunchError when it is not a directory of this user's alone
 */
export function runtimeDirectory(environment: NodeJS.ProcessEnv = process.env): string {
  const { CLOISTER_RUNTIME_DIR: named, XDG_RUNTIME_DIR: runtime } = environment;
  const { uid } = userInfo();
  const path = named ?? (runtime === undefined ? join(tmpdir(), `cloister-${uid}`) : join(runtime, 'cloister'));
  mkdirSync(path, { recursive: true, mode: 0o700 });
  const found = lstatSync(path);
  const ours = found.isDirectory() && (uid < 0 || (found.uid === uid && (found.mode & 0o077) === 0));
  if (!ours)
    throw new LaunchError(
      'failed',
      `"${path}" is not a directory of yours alone: chmod 700 it, or name another with CLOISTER_RUNTIME_DIR`,
    );
  return path;
}
