import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, rmSync, statSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { bundleUrl } from '../bundles.ts';
import { LaunchError, LauncherGone } from './launch-error.ts';
import { makeRecipes } from './make-recipes.ts';
import { runtimeDirectory } from './runtime-directory.ts';
import { knownLevel } from './sandbox-level.ts';
import { removeLeftDirectories } from './vm-directory.ts';

/** So often a launcher is started where another one is about to leave, or was quicker and does not listen yet. */
const ATTEMPTS = 10;
/** Longer than what has left takes to take its sockets away, in milliseconds; each attempt waits so much longer. */
const LEAVING_MS = 50;
/** How long a launcher may take to start, in milliseconds. */
const START_MS = 20_000;

/** Where launcher and toolstack of this version listen: another version's are others. */
export function socketsHere(): { readonly launcher: string; readonly toolstack: string } {
  const version = createHash('sha256')
    .update(readFileSync(bundleUrl('launcher')))
    .digest('hex')
    .slice(0, 12);
  const pathOf = (name: string): string => join(runtimeDirectory(), `${name}-${version}.sock`);
  return { launcher: pathOf('launcher'), toolstack: pathOf('toolstack') };
}

/**
 * What `start` starts through a toolstack. One that was about to leave may still have taken the connection: then another
 * one is started. @throws LaunchError
 */
export async function startedBy<T>(start: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1)
    try {
      return await start();
    } catch (error) {
      if (!(error instanceof LauncherGone) || attempt === ATTEMPTS) throw error;
      await sleep(attempt * LEAVING_MS);
    }
}

/** A connection to this user's toolstack; without `start`, undefined when none runs. @throws LaunchError */
export async function connectToolstack(options: { readonly start: true }): Promise<Socket>;
export async function connectToolstack(options: { readonly start: boolean }): Promise<Socket | undefined>;
export async function connectToolstack({ start }: { readonly start: boolean }): Promise<Socket | undefined> {
  const paths = socketsHere();
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    // A toolstack that was about to leave closes the connection: then another one is started.
    const socket = existsSync(paths.toolstack) ? await tryConnect(paths.toolstack) : undefined;
    if (socket !== undefined || !start) return socket;
    await startLauncher(paths);
  }
  throw new LaunchError('failed', `The toolstack does not answer at "${paths.toolstack}"`);
}

/** A connection to the launcher of a toolstack that one is connected to. @throws LaunchError */
export async function connectLauncher(): Promise<Socket> {
  const path = socketsHere().launcher;
  const socket = await tryConnect(path);
  if (socket === undefined) throw new LauncherGone(`The launcher does not answer at "${path}"`);
  return socket;
}

const tryConnect = (path: string): Promise<Socket | undefined> =>
  new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => resolve(socket)).once('error', () => resolve(undefined));
  });

/** Removes a socket that nobody listens to: a launcher that was killed has left it, and another's may have taken its name meanwhile. */
async function removeIfLeft(path: string): Promise<void> {
  const inode = (): number | undefined => statSync(path, { throwIfNoEntry: false })?.ino;
  const before = inode();
  if (before === undefined) return;
  const probe = await tryConnect(path);
  probe?.destroy();
  if (probe === undefined && inode() === before) rmSync(path, { force: true });
}

/** Resolves once a launcher listens, this one or one that was quicker. */
async function startLauncher({ launcher, toolstack }: ReturnType<typeof socketsHere>): Promise<void> {
  const { PATH, TMPDIR, HOME } = process.env;
  await removeIfLeft(launcher);
  removeLeftDirectories();
  const recipes = JSON.stringify(makeRecipes(await knownLevel(dirname(launcher))));
  const child = spawn(process.execPath, [fileURLToPath(bundleUrl('launcher')), launcher, toolstack], {
    detached: true,
    stdio: ['pipe', 'pipe', 'ignore'],
    cwd: '/',
    env: {
      ...(PATH === undefined ? {} : { PATH }),
      ...(TMPDIR === undefined ? {} : { TMPDIR }),
      ...(HOME === undefined ? {} : { HOME }),
    },
  });
  // How it ends says why it did not read them.
  child.stdin!.on('error', () => undefined).end(recipes);
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
