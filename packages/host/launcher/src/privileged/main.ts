import { chmodSync, rmSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleUrl } from '../bundles.ts';
import { openManifest } from '../manifest.ts';
import { thisNode } from '../sandbox/node-runtime.ts';
import type { Level } from '../sandbox/sandbox.ts';
import { closeInherited } from './close-inherited.ts';
import { createLauncher } from './launcher.ts';
import { createSpawn } from './spawn.ts';

/** How long the launcher stays when there is nothing left to do, in milliseconds. */
const LINGER_MS = 300;

closeInherited();
const path = process.argv[2]!;
// Whoever starts the launcher has tried what this machine reaches.
const level = process.argv[3] as Level;
const directory = dirname(path);
let clock: NodeJS.Timeout | undefined;
const early: Socket[] = [];
let connected = (socket: Socket): unknown => early.push(socket);
const server = createServer({ pauseOnConnect: true, allowHalfOpen: true }, (socket) => {
  clearTimeout(clock);
  connected(socket);
});

await listen();
process.stdout.write('ready\n');
const node = thisNode();
const manifest = openManifest(dirname(fileURLToPath(bundleUrl('launcher'))));
const launcher = await createLauncher(directory, createSpawn(node, level, manifest), level, leaveSoon);
connected = launcher.connected;
if (early.length === 0) leaveSoon();
for (const socket of early) launcher.connected(socket);

/** One launcher serves a user: where another one listens already, this one ends. */
async function listen(): Promise<void> {
  const tryListen = (): Promise<boolean> =>
    new Promise((resolve) => {
      server.once('error', () => resolve(false)).listen(path, () => resolve(true));
    });
  if (!(await tryListen())) {
    if (await answers()) process.exit();
    // What nobody listens to was left by a launcher that was killed.
    rmSync(path, { force: true });
    if (!(await tryListen())) process.exit();
  }
  chmodSync(path, 0o600);
}

function answers(): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect(path, () => {
      probe.destroy();
      resolve(true);
    });
    probe.once('error', () => resolve(false));
  });
}

function leaveSoon(): void {
  clearTimeout(clock);
  clock = setTimeout(() => {
    rmSync(path, { force: true });
    launcher.close();
    process.exit();
  }, LINGER_MS);
}
