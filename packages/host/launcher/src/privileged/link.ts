import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { type Capability, linkOf } from './capability.ts';

/**
 * Makes links: streams between two compartments. The launcher keeps both ends as long as one is needed and reads neither;
 * it hands an end to whichever process stands there, so that one may die and another take its place.
 * @param path of a Unix socket in a directory of ours alone: Node makes no socket pairs, but a process can call itself
 * @returns to be called one at a time: ends are matched by their order
 */
export async function createLinkMaker(path: string): Promise<() => Promise<Capability>> {
  const server = createServer({ pauseOnConnect: true, allowHalfOpen: true }).unref();
  rmSync(path, { force: true });
  await once(server.listen(path), 'listening');
  return async () => {
    const arrival = once(server, 'connection');
    // Paused before it is connected: what comes is for the compartment that gets this end.
    const near = connect({ path, allowHalfOpen: true }).pause();
    await once(near, 'connect');
    const [far] = (await arrival) as [Socket];
    for (const end of [near, far]) end.on('error', () => undefined);
    return linkOf(near, far);
  };
}
