import { createServer, Socket } from 'node:net';
import { availableParallelism } from 'node:os';
import { setFlagsFromString } from 'node:v8';
import { LAUNCHER_DESCRIPTOR, type ToToolstack } from '@cloister/protocol';
import { createToolstack } from '@cloister/toolstack';
import { onLine, writeLine } from '../lines.ts';
import { readLines } from '../read-lines.ts';

/** How often CPU time is looked at, in milliseconds: ten times a second took 2 % of a CPU beside one VM (measured). */
const INTERVAL_MS = 250;
/** How long the toolstack stays when there is nothing left to do, in milliseconds. */
const LINGER_MS = 300;
/** How long the client that had it started may take to come. */
const FIRST_MS = 5000;
/** How long a client may take for its request, in milliseconds. */
const STEP_MS = 30_000;
/** Fewer than it may have descriptors (sandbox.ts). */
const CLIENTS_MAX = 250;

// As inherit.ts does for the others.
setFlagsFromString('--semi-space-growth-factor=1');
const launcher = new Socket({ fd: LAUNCHER_DESCRIPTOR, readable: true, writable: true });
launcher.on('close', () => process.exit());
let clock: NodeJS.Timeout | undefined;
const leaveIn = (milliseconds: number): void => {
  clearTimeout(clock);
  clock = setTimeout(() => process.exit(), milliseconds);
};
const toolstack = createToolstack({
  ask: (request) => writeLine(launcher, request),
  cpus: availableParallelism(),
  idle: () => leaveIn(LINGER_MS),
});
const clients = createServer({ allowHalfOpen: true }, (socket) => {
  clearTimeout(clock);
  socket.on('error', () => socket.destroy());
  const patience = setTimeout(() => socket.destroy(), STEP_MS);
  const next = readLines(socket);
  void toolstack.serve({
    async next() {
      const line = await next();
      clearTimeout(patience);
      return line;
    },
    tell: (value) => writeLine(socket, value),
    end: () => socket.destroySoon(),
  });
});
clients.maxConnections = CLIENTS_MAX;
clients.listen({ fd: LAUNCHER_DESCRIPTOR + 1 });
leaveIn(FIRST_MS);
setInterval(toolstack.look, INTERVAL_MS);
onLine(launcher, (line) => toolstack.hear(JSON.parse(line) as ToToolstack));
