import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleUrl } from '../bundles.ts';
import { LaunchError } from './launch-error.ts';
import { runtimeDirectory } from './runtime-directory.ts';
import { knownLevel } from './sandbox-level.ts';

/** How long a launcher may take to start, in milliseconds. */
const START_MS = 20_000;

/** Where the launcher of this version listens: another version's is another one. */
export function launcherSocket(): string {
  const version = createHash('sha256')
    .update(readFileSync(bundleUrl('launcher')))
    .digest('hex')
    .slice(0, 12);
  return join(runtimeDirectory(), `launcher-${version}.sock`);
}

/** A connection to this user's launcher; without `start`, undefined when none runs. @throws LaunchError */
export async function connectLauncher(options: { readonly start: true }): Promise<Socket>;
export async function connectLauncher(options: { readonly start: boolean }): Promise<Socket | undefined>;
export async function connectLauncher({ start }: { readonly start: boolean }): Promise<Socket | undefined> {
  const path = launcherSocket();
  for (let attempt = 0; attempt < 3; attempt += 1) {
    // A launcher that was about to leave closes the connection: then another one is started.
    const socket = existsSync(path) ? await tryConnect(path) : undefined;
    if (socket !== undefined || !start) return socket;
    await startLauncher(path);
  }
  throw new LaunchError('failed', `The launcher does not answer at "${path}"`);
}

const tryConnect = (path: string): Promise<Socket | undefined> =>
  new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => resolve(socket)).once('error', () => resolve(undefined));
  });

/** Resolves once a launcher listens, this one or one that was quicker. */
async function startLauncher(path: string): Promise<void> {
  const { PATH, TMPDIR, HOME } = process.env;
  const child = spawn(process.execPath, [fileURLToPath(bundleUrl('launcher')), path, await knownLevel(dirname(path))], {
    detached: true,
    stdio: ['ignore', 'pipe', 'ignore'],
    cwd: '/',
    env: {
      ...(PATH === undefined ? {} : { PATH }),
      ...(TMPDIR === undefined ? {} : { TMPDIR }),
      ...(HOME === undefined ? {} : { HOME }),
    },
  });
  const clock = setTimeout(() => child.kill('SIGKILL'), START_MS);
  const failure = await new Promise<string | undefined>((resolve) => {
    child.stdout!.once('data', () => resolve(undefined));
    child.once('error', (error) => resolve(error.message));
    child.once('exit', (code) => resolve(code === 0 ? undefined : `it ended with status ${code}`));
  });
  clearTimeout(clock);
  child.stdout!.destroy();
  child.unref();
  if (failure !== undefined) throw new LaunchError('failed', `The launcher does not start: ${failure}`);
}
