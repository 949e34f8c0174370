import { randomBytes, timingSafeEqual } from 'node:crypto';
import {
  type ClientRequest,
  decodeClientRequest,
  type FromToolstack,
  type Listed,
  type LoneEvent,
  type LoneKind,
  type OwnerEvent,
  type Parts,
  type ToToolstack,
} from '@cloister/protocol';
import type { Connection } from './connection.ts';
import { createHost, freshEpoch } from './host.ts';
import { createSharedService } from './shared-service.ts';
import { startCompartments, type VirtualMachine } from './virtual-machine.ts';

/** Decides which VMs live and what each is given. It holds nothing of the host's but names that mean something to the launcher. */
export interface Toolstack {
  /** A client has connected. */
  serve(connection: Connection): Promise<void>;
  /** A line of the launcher's. */
  hear(line: ToToolstack): void;
  /** To be called several times a second: a sign of life, and how much each compartment has used. */
  look(): void;
}

export interface ToolstackConfig {
  /** Sends a request to the launcher. */
  ask(request: FromToolstack): void;
  /** CPUs of this host. */
  readonly cpus: number;
  /** Called whenever nobody is connected and no VM runs. */
  idle(): void;
}

/**
 * A builder holds an index, or a package's archive to be repacked (the protocol's client asks for at most half of it);
 * an enclave the blocks that are under way, and pages of its manifest.
 */
const LONE_BYTES = 2 ** 30;
/** VMs that may come one after the other without a new scheduler: its start is a fifth of what a VM's takes (measured). */
const SPARES = 4;
const REFUSED_TOKEN = 'There is no such VM, or the token is not its own';

export function createToolstack({ ask, cpus, idle }: ToolstackConfig): Toolstack {
  const host = createHost(ask);
  const machines = new Map<string, VirtualMachine>();
  /** VMs that are about to be started. */
  const starting = new Set<string>();
  let connections = 0;
  const storage = createSharedService(host, 'storage', { spares: 0, settingsOf: (stores) => ({ stores }) });
  const scheduler = createSharedService(host, 'scheduler', {
    spares: SPARES,
    settingsOf: (machines) => ({ cpus, machines }),
  });
  const holder = (vm: string, token: string): VirtualMachine | undefined => {
    const machine = machines.get(vm);
    return machine !== undefined && sameToken(machine.token, token) ? machine : undefined;
  };

  const run = async (request: Extract<ClientRequest, { do: 'run' }>, connection: Connection): Promise<void> => {
    const { vm: id, token, label, deposit, client, stores, memoryBytes, weight, strict } = request;
    const tell = (event: OwnerEvent): void => connection.tell(event);
    if (machines.has(id) || starting.has(id)) throw new Error('A VM of this number runs already');
    const level = host.self?.level;
    if (strict && level !== 'full')
      throw new Error(`This host reaches the protection level "${level}" alone: see "cloister doctor"`);
    starting.add(id);
    const claimed: string[] = [];
    try {
      const claim = async (what: string): Promise<number> => {
        const files = await host.claim(what);
        claimed.push(what);
        return files;
      };
      const [files] = await Promise.all([claim(deposit), claim(client)]);
      // Storage numbers the files of all its VMs: one too many would be another's.
      if (files !== stores.length) throw new Error('There are not as many files as stores');
      const grants = { key: randomBytes(32).toString('base64'), cpus: request.cpus, weight };
      machines.set(
        id,
        await startCompartments({
          ...{ id, token, label, deposit, client, stores, memoryBytes },
          ...{ grants, host, storage, scheduler, tell },
        }),
      );
    } catch (error) {
      for (const one of claimed) host.close(one);
      throw error;
    } finally {
      starting.delete(id);
    }
    const machine = machines.get(id)!;
    // Whatever the owner says, and its end, is the VM's end.
    void connection.next().then(() => machine.end(null));
    await machine.ended;
    machines.delete(id);
  };

  /** A compartment of no VM, for as long as the connection of who asked for it lasts. */
  const startLone = async (kind: LoneKind, client: string, connection: Connection): Promise<void> => {
    const tell = (event: LoneEvent): void => connection.tell(event);
    await host.claim(client);
    const link = { id: client, epoch: freshEpoch() };
    const lone = host.spawn({
      ...{ kind, deposits: [], settings: {}, cpus: 1, dataBytes: LONE_BYTES },
      links: [{ link, end: 0 }],
    });
    void lone.started.then(() => tell({ epoch: Buffer.from(link.epoch).toString('base64') }));
    void connection.next().then(lone.kill);
    tell({ ended: await lone.ended });
    host.close(client);
  };

  /** Acts on a VM for whoever has its token; returns what there is to answer. */
  const act = async (request: Exclude<ClientRequest, { do: 'run' | 'start' | 'list' }>): Promise<object> => {
    const machine = holder(request.vm, request.token);
    if (machine === undefined) throw new Error(REFUSED_TOKEN);
    switch (request.do) {
      case 'inspect': {
        const parts: Parts = { ...listed(machine), parts: machine.parts() };
        return parts;
      }
      case 'stop':
        machine.askStop();
        return {};
      case 'kill':
        void machine.end('It was killed');
        return {};
      case 'upgrade':
      case 'debug':
        if (request.deposit !== null) await host.claim(request.deposit);
        machine.upgrade(request.deposit, request.do === 'debug');
        return {};
    }
  };

  const answer = async (connection: Connection): Promise<void> => {
    const line = await connection.next();
    if (line === undefined) return;
    const request = decodeClientRequest(line);
    if (request === undefined) throw new Error('The toolstack does not understand this request');
    if (request.do === 'run') await run(request, connection);
    else if (request.do === 'start') await startLone(request.kind, request.client, connection);
    else if (request.do === 'list') connection.tell({ machines: [...machines.values()].map(listed) });
    else connection.tell(await act(request));
  };

  return {
    hear: host.hear,
    look: host.look,
    async serve(connection) {
      connections += 1;
      try {
        await answer(connection);
      } catch (error) {
        connection.tell({ refused: (error as Error).message });
      }
      connection.end();
      connections -= 1;
      if (connections === 0 && machines.size === 0) idle();
    },
  };
}

function sameToken(right: string, given: string): boolean {
  const [a, b] = [Buffer.from(right), Buffer.from(given)];
  return a.length === b.length && timingSafeEqual(a, b);
}

const listed = ({ id, label, started }: VirtualMachine): Listed => ({ vm: id, label, started });
