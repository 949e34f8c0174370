import { chmodSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { dirname } from 'node:path';
import { thisNode } from '../sandbox/node-runtime.ts';
import { openCodeStore } from './code.ts';
import { createLauncher } from './launcher.ts';
import { reachedLevel } from './reached-level.ts';
import { createSpawn } from './spawn.ts';

/** How long the launcher stays when there is nothing left to do, in milliseconds. */
const LINGER_MS = 300;

const path = process.argv[2]!;
let clock: NodeJS.Timeout | undefined;
const directory = dirname(path);
const node = thisNode();
const code = openCodeStore();
const launcher = await createLauncher(
  directory,
  createSpawn(node, await reachedLevel(node, code, directory), code),
  leaveSoon,
);
const server = createServer((socket) => {
  clearTimeout(clock);
  launcher.connected(socket);
});

function leaveSoon(): void {
  clearTimeout(clock);
  clock = setTimeout(() => {
    rmSync(path, { force: true });
    launcher.close();
    process.exit();
  }, LINGER_MS);
}

/** Whether someone answers there; a socket that nobody listens to was left by a launcher that was killed. */
const answers = (): Promise<boolean> =>
  new Promise((resolve) => {
    const probe = connect(path);
    probe.once('connect', () => resolve(true)).once('error', () => resolve(false));
    probe.once('connect', () => probe.destroy());
  });

server.on('error', async () => {
  // Another launcher serves this user already.
  if (await answers()) process.exit();
  rmSync(path, { force: true });
  server.listen(path, ready);
});

function ready(): void {
  chmodSync(path, 0o600);
  process.stdout.write('ready\n');
  leaveSoon();
}
server.listen(path, ready);
