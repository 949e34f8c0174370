import { once } from 'node:events';
import { linkSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { decodeFromToolstack, STATUS_INTERVAL_MS, type ToToolstack } from '@cloister/protocol';
import { onLine, writeLine } from '../lines.ts';
import type { Recipes } from '../recipes.ts';
import { createActions } from './actions.ts';
import { closeInherited } from './close-inherited.ts';
import { startCompartment } from './compartment.ts';
import { createLinkMaker } from './link.ts';
import { createOffers } from './offers.ts';

/** A toolstack that is silent for so long hangs: it asks for what the compartments use four times a second. */
const DEADLINE_MS = 20 * STATUS_INTERVAL_MS;
const TOOLSTACK_BYTES = 384 * 2 ** 20;
/** The socket is this user's alone, and so is everything else. */
const OWNER_ONLY = 0o077;

closeInherited();
process.umask(OWNER_ONLY);
const [path, toolstackPath] = process.argv.slice(2) as [string, string];
const recipes = JSON.parse(readFileSync(0, 'utf8')) as Recipes;
const linksPath = join(dirname(path), `links-${process.pid}.sock`);
const offers = createOffers();
const server = createServer({ allowHalfOpen: true }, offers.connected);
await once(server.listen(`${linksPath}.own`), 'listening');
// One launcher serves a user: where another one has the name already, this one ends. What has the name listens.
let taken = false;
try {
  linkSync(`${linksPath}.own`, path);
} catch {
  taken = true;
}
rmSync(`${linksPath}.own`);
if (taken) process.exit();
const link = await createLinkMaker(linksPath);
const clients = createServer().listen(`${linksPath}.new`);
await once(clients, 'listening');
// From here on clients may come. None is taken here: the event loop does not turn before this end is closed.
renameSync(`${linksPath}.new`, toolstackPath);
// The client that started it may be gone: others will come.
process.stdout.on('error', () => undefined).write('ready\n');
// A descriptor, for Node passes no listening socket on by itself.
const { fd } = (clients as unknown as { readonly _handle: { readonly fd: number } })._handle;
const start = { recipe: recipes.toolstack!, builds: {}, dataBytes: TOOLSTACK_BYTES, ends: [], files: [fd] };
// What it writes, nobody reads; that it ends, its pipe says.
const toolstack = startCompartment('toolstack', start, () => undefined);
clients.close();
const tell = (what: ToToolstack): void => writeLine(toolstack.pipe, what);
const actions = createActions({ recipes, claim: offers.claim, link, tell });
tell(toolstack.started);
const clock = setTimeout(end, DEADLINE_MS);
// One after the other, in the order in which they come.
let last: Promise<void> = Promise.resolve();
onLine(toolstack.pipe, (line) => {
  const request = decodeFromToolstack(line);
  if (request === undefined) return end();
  clock.refresh();
  last = last.then(() => actions.act(request));
});
toolstack.pipe.once('close', end);

/** Without the toolstack nothing goes on. It leaves by itself when there is nothing left to do. */
function end(): void {
  actions.killAll();
  toolstack.kill();
  for (const one of [toolstackPath, linksPath, path]) rmSync(one, { force: true });
  process.exit();
}
