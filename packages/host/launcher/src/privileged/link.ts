import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { EPOCH_BYTES } from '@cloister/protocol';

/**
 * A stream between two compartments. The launcher keeps both ends as long as the link is needed and reads neither; it
 * hands an end to whichever process stands there, so that one may die and another take its place.
 */
export interface Link {
  readonly ends: readonly [Socket, Socket];
  /** What both ends greet each other with; fresh whenever another process takes an end. */
  epoch: Uint8Array;
  close(): void;
}

export const freshEpoch = (): Uint8Array => randomBytes(EPOCH_BYTES);

export interface LinkMaker {
  make(): Promise<Link>;
  close(): void;
}

/** Node makes no socket pairs, but a process can call itself: `path` is a Unix socket in a directory of ours alone. */
export async function createLinkMaker(path: string): Promise<LinkMaker> {
  const arrived: Socket[] = [];
  let awaited: ((socket: Socket) => void) | undefined;
  const server: Server = createServer({ pauseOnConnect: true, allowHalfOpen: true }, (socket) => {
    if (awaited === undefined) arrived.push(socket);
    else awaited(socket);
    awaited = undefined;
  });
  rmSync(path, { force: true });
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(path, resolve));
  let last: Promise<unknown> = Promise.resolve();
  const makeOne = async (): Promise<Link> => {
    const far = new Promise<Socket>((resolve) => {
      const early = arrived.shift();
      if (early === undefined) awaited = resolve;
      else resolve(early);
    });
    // Paused before it is connected: what comes is for the compartment that gets this end.
    const near = connect({ path, allowHalfOpen: true }).pause();
    await new Promise<void>((resolve, reject) => near.once('error', reject).once('connect', resolve));
    const ends = [near, await far] as const;
    for (const end of ends) end.on('error', () => undefined);
    return {
      ends,
      epoch: freshEpoch(),
      close() {
        for (const end of ends) end.destroy();
      },
    };
  };
  return {
    // One at a time: ends are matched by their order.
    make() {
      const made = last.then(makeOne);
      last = made.catch(() => undefined);
      return made;
    },
    close() {
      server.close();
      rmSync(path, { force: true });
    },
  };
}
