import { randomBytes, timingSafeEqual } from 'node:crypto';
import { appendFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import type { Event, Listed, Request } from '../control.ts';
import { readLines, writeLine } from '../lines.ts';
import type { Level } from '../sandbox/sandbox.ts';
import { createLinkMaker, freshEpoch } from './link.ts';
import { closeStores, type OpenStore, openStores, StoreError } from './open-stores.ts';
import { decodeRequest } from './requests.ts';
import { createSharedService, type SharedService } from './shared-service.ts';
import { DATA_BYTES, type Spawn } from './spawn.ts';
import { newToken, startCompartments, type VirtualMachine } from './virtual-machine.ts';

export interface Launcher {
  /** A client has connected. */
  connected(socket: Socket): void;
  close(): void;
}

/** A VM between `run` and `start`, or a builder: its client's second connection is awaited. */
interface Opened {
  readonly token: string;
  client: Socket | undefined;
}

/** What is the same for all that serve more than one VM. */
const SERVICE = { builds: {}, debug: false, cpus: 1, dataBytes: DATA_BYTES, heard: () => undefined };
/** A builder holds an index, or a package's archive to be repacked (the protocol's client asks for at most half of it). */
const BUILDER_BYTES = 2 ** 30;
/** How long a client may take for a step, in milliseconds. */
const STEP_MS = 30_000;
const REFUSED_TOKEN = 'There is no such VM, or the token is not its own';

/**
 * @param directory of ours alone
 * @param level that this host reaches
 * @param idle called whenever nobody is connected and no VM runs
 */
export async function createLauncher(
  directory: string,
  spawn: Spawn,
  level: Level,
  idle: () => void,
): Promise<Launcher> {
  const links = await createLinkMaker(join(directory, `links-${process.pid}.sock`));
  const machines = new Map<string, VirtualMachine>();
  const opened = new Map<string, Opened>();
  const connections = new Set<Socket>();
  const logOf = (id: string): string => join(directory, id, 'log');
  const logShared = (name: string, bytes: Buffer): void => {
    for (const id of machines.keys()) appendLog(logOf(id), name, bytes);
  };
  const storage = createSharedService((members) =>
    spawn(
      {
        ...SERVICE,
        kind: 'storage',
        links: members.map(({ link }) => ({ end: link.ends[0], epoch: link.epoch })),
        files: members.flatMap(({ files }) => files),
        settings: members.map(({ settings }) => settings),
      },
      (bytes) => logShared('storage', bytes),
    ),
  );
  const scheduler: SharedService = createSharedService((members) =>
    spawn(
      {
        ...SERVICE,
        kind: 'scheduler',
        links: members.map(({ link }) => ({ end: link.ends[0], epoch: link.epoch })),
        files: [],
        settings: { cpus: availableParallelism(), machines: members.map(({ settings }) => settings) },
      },
      (bytes) => logShared('scheduler', bytes),
    ),
  );

  const settled = (): void => {
    if (connections.size + machines.size > 0) return;
    idle();
  };
  const holder = (vm: string, token: string): VirtualMachine | undefined => {
    const machine = machines.get(vm);
    return machine !== undefined && sameToken(machine.token, token) ? machine : undefined;
  };

  const own = (
    socket: Socket,
    request: Extract<Request, { do: 'run' }>,
    next: () => Promise<string | undefined>,
  ): void => {
    const tell = (event: Event): void => writeLine(socket, event);
    const id = request.vm;
    if (machines.has(id) || opened.has(id)) {
      tell({ refused: 'A VM of this number runs already' });
      socket.end();
      return;
    }
    let stores: OpenStore[];
    try {
      stores = openStores(request.stores);
    } catch (error) {
      tell({ refused: (error as Error).message, ...(error instanceof StoreError ? { store: error.store } : {}) });
      socket.end();
      return;
    }
    const token = newToken();
    mkdirSync(join(directory, id), { mode: 0o700 });
    writeFileSync(join(directory, id, 'token'), token, { mode: 0o600 });
    const waiting: Opened = { token, client: undefined };
    opened.set(id, waiting);
    tell({ opened: { level, vm: id, token, bytes: stores.map(({ bytes }) => bytes), log: logOf(id) } });
    const life = async (): Promise<void> => {
      const line = await next();
      const start = line === undefined ? undefined : decodeRequest(line);
      opened.delete(id);
      if (start?.do !== 'start' || waiting.client === undefined) {
        closeStores(stores);
        waiting.client?.destroy();
        return;
      }
      const machine = await startCompartments(
        {
          id,
          label: request.label,
          builds: request.builds,
          stores,
          machine: start.machine,
          grants: { key: randomBytes(32).toString('base64'), cpus: start.cpus, weight: start.weight },
          client: waiting.client,
          links,
          storage,
          scheduler,
          spawn,
          memoryBytes: start.memoryBytes,
          log: (kind, bytes) => appendLog(logOf(id), kind, bytes),
          tell,
        },
        token,
      ).catch((error: unknown) => {
        closeStores(stores);
        waiting.client?.destroy();
        throw error;
      });
      machines.set(id, machine);
      void next().then(() => machine.end(null));
      await machine.ended;
      machines.delete(id);
    };
    void life()
      .catch((error: unknown) => tell({ refused: String(error) }))
      .finally(() => {
        rmSync(join(directory, id), { recursive: true, force: true });
        socket.end();
        settled();
      });
  };

  /** A builder, for as long as the connection of who asked for it lasts. */
  const build = async (socket: Socket, next: () => Promise<string | undefined>): Promise<void> => {
    const waiting: Opened = { token: newToken(), client: undefined };
    opened.set(waiting.token, waiting);
    writeLine(socket, { opened: waiting.token });
    await next();
    opened.delete(waiting.token);
    if (waiting.client === undefined) return;
    const epoch = freshEpoch();
    try {
      const links = [{ end: waiting.client, epoch }];
      const builder = spawn(
        { ...SERVICE, kind: 'builder', links, files: [], settings: {}, dataBytes: BUILDER_BYTES },
        () => undefined,
      );
      writeLine(socket, { epoch: Buffer.from(epoch).toString('base64') });
      void next().then(builder.kill);
      writeLine(socket, { ended: await builder.ended });
    } finally {
      waiting.client.destroy();
    }
  };

  const answer = (socket: Socket, request: Exclude<Request, { do: 'run' | 'start' | 'build' }>): void => {
    if (request.do === 'list') {
      writeLine(socket, { machines: [...machines.values()].map(listed) });
      return;
    }
    const { vm, token } = request;
    if (request.do === 'attach') {
      const waiting = opened.get(vm);
      const allowed = waiting !== undefined && waiting.client === undefined && sameToken(waiting.token, token);
      writeLine(socket, allowed ? {} : { refused: REFUSED_TOKEN });
      if (!allowed) return void socket.end();
      // From here on the slice reads it, and nobody else.
      socket.removeAllListeners('data').pause();
      waiting.client = socket;
      return;
    }
    const machine = holder(vm, token);
    if (machine === undefined) {
      writeLine(socket, { refused: REFUSED_TOKEN });
      return;
    }
    switch (request.do) {
      case 'inspect':
        writeLine(socket, { ...listed(machine), parts: machine.parts() });
        return;
      case 'stop':
        machine.askStop();
        break;
      case 'kill':
        void machine.end('It was killed');
        break;
      case 'upgrade':
        machine.upgrade(request.slice, false);
        break;
      case 'debug':
        machine.upgrade(undefined, true);
        break;
    }
    writeLine(socket, {});
  };

  return {
    close: links.close,
    connected(socket) {
      connections.add(socket);
      socket.on('error', () => socket.destroy());
      socket.once('close', () => {
        connections.delete(socket);
        settled();
      });
      const clock = setTimeout(() => socket.destroy(), STEP_MS);
      const next = readLines(socket);
      void next().then((line) => {
        clearTimeout(clock);
        const request = line === undefined ? undefined : decodeRequest(line);
        if (request === undefined || request.do === 'start') {
          if (line !== undefined) writeLine(socket, { refused: 'The launcher does not understand this request' });
          socket.end();
        } else if (request.do === 'run') own(socket, request, next);
        else if (request.do === 'build')
          void build(socket, next)
            .catch((error: unknown) => writeLine(socket, { refused: String(error) }))
            .finally(() => socket.end());
        else {
          answer(socket, request);
          if (request.do !== 'attach') socket.end();
        }
      });
    },
  };
}

function sameToken(right: string, given: string): boolean {
  const [a, b] = [Buffer.from(right), Buffer.from(given)];
  return a.length === b.length && timingSafeEqual(a, b);
}

function listed({ id, label, started }: VirtualMachine): Listed {
  return { vm: id, label, started };
}

function appendLog(path: string, name: string, bytes: Buffer): void {
  try {
    appendFileSync(path, `${name}: ${bytes.toString('latin1').replace(/[^\x20-\x7e\n]+/g, ' ')}`);
  } catch {
    // The VM is gone, or the disk is full: a log is not worth a VM.
  }
}
