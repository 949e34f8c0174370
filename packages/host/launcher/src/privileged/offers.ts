import { randomBytes } from 'node:crypto';
import { fstatSync } from 'node:fs';
import type { Socket } from 'node:net';
import { decodeFromClient, type FromClient, type ToClient } from '@cloister/protocol';
import { onLine, writeLine } from '../lines.ts';
import { type Capability, type Code, closeCapability, linkOf, openFile, readCode } from './capability.ts';

/** What clients have handed in and the toolstack has not claimed. */
export interface Offers {
  /** A client has connected. */
  connected(socket: Socket): void;
  claim(id: string): Capability | undefined;
}

/** How long a client may take for its line, and the toolstack to claim what it brought, in milliseconds. */
const STEP_MS = 30_000;

export function createOffers(): Offers {
  const offers = new Map<string, Capability>();
  const offer = (socket: Socket, capability: Capability): void => {
    const id = randomBytes(32).toString('hex');
    const withdraw = (): void => {
      if (offers.delete(id)) closeCapability(capability);
    };
    offers.set(id, capability);
    socket.once('close', withdraw);
    setTimeout(withdraw, STEP_MS);
    writeLine(socket, { id, bytes: capability.stores.map((file) => fstatSync(file).size) } satisfies ToClient);
  };
  const serve = (socket: Socket, request: FromClient | undefined): void => {
    // Of what follows nothing is for us: it is dropped, or the link's.
    socket.removeAllListeners('data');
    if (request?.do === 'attach') offer(socket.pause(), linkOf(socket));
    else if (request?.do === 'deposit') {
      socket.resume().once('end', () => socket.end());
      const deposit = openDeposit(request);
      if ('refused' in deposit) writeLine(socket, deposit);
      else offer(socket, deposit);
    } else socket.destroy();
  };
  return {
    claim(id) {
      const found = offers.get(id);
      offers.delete(id);
      return found;
    },
    connected(socket) {
      socket.on('error', () => socket.destroy());
      const clock = setTimeout(() => socket.destroy(), STEP_MS);
      onLine(socket, (line) => {
        // The first alone.
        if (socket.listenerCount('data') > 0) serve(socket, decodeFromClient(line));
        clearTimeout(clock);
      });
    },
  };
}

/** All, or none. */
function openDeposit(request: Extract<FromClient, { do: 'deposit' }>): Capability | Extract<ToClient, { at: number }> {
  const stores: number[] = [];
  const area: number[] = [];
  const builds: Record<string, Code> = {};
  try {
    for (const { path, write } of request.stores) stores.push(openFile(path, write));
    if (request.area !== null) area.push(openFile(request.area, true));
    for (const name of ['slice', 'hart'] as const)
      if (request[name] !== null) builds[`${name}.cjs`] = readCode(request[name]);
    return { ends: [], stores, area, builds, debug: request.debug, machine: request.machine };
  } catch (error) {
    closeCapability({ ...linkOf(), stores, area });
    const at = stores.length + area.length + Object.keys(builds).length;
    return { refused: (error as NodeJS.ErrnoException).code ?? 'EIO', at };
  }
}
