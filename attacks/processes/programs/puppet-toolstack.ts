import { createServer, Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { type FromToolstack, LAUNCHER_DESCRIPTOR, type ToToolstack } from '@cloister/protocol';
import { createToolstack } from '../../../packages/deprivileged/toolstack/src/index.ts';
import { onLine, writeLine } from '../../../packages/host/launcher/src/lines.ts';
import { readLines } from '../../../packages/host/launcher/src/read-lines.ts';

// A toolstack that does its work, and whatever an attacker has it say to the launcher; it tells him all that it has said and heard.
const launcher = new Socket({ fd: LAUNCHER_DESCRIPTOR, readable: true, writable: true });
launcher.on('close', () => process.exit());
const asked: FromToolstack[] = [];
const heard: ToToolstack[] = [];
const toolstack = createToolstack({
  ask(request) {
    if (request.do !== 'usage') asked.push(request);
    writeLine(launcher, request);
  },
  cpus: 2,
  idle: () => undefined,
});
onLine(launcher, (line) => {
  const what = JSON.parse(line) as ToToolstack;
  if (!('usage' in what)) heard.push(what);
  toolstack.hear(what);
});
// Without a VM for a while it ends.
let patience = setTimeout(() => process.exit(), 3000);
createServer({ allowHalfOpen: true }, (socket) => {
  clearTimeout(patience);
  patience = setTimeout(() => process.exit(), 10_000);
  socket.on('error', () => socket.destroy());
  const next = readLines(socket);
  void next().then(async (first) => {
    const { say } = JSON.parse(first ?? '{}') as { readonly say?: readonly string[] };
    if (say !== undefined) {
      for (const line of say) launcher.write(`${line}\n`);
      await sleep(300);
      writeLine(socket, { asked, heard });
      socket.destroySoon();
      return;
    }
    let given = false;
    await toolstack.serve({
      next() {
        if (given) return next();
        given = true;
        return Promise.resolve(first);
      },
      tell: (value) => writeLine(socket, value),
      end: () => socket.destroySoon(),
    });
  });
}).listen({ fd: LAUNCHER_DESCRIPTOR + 1 });
setInterval(toolstack.look, 100);
