import { randomBytes } from 'node:crypto';
import { closeSync } from 'node:fs';
import type { Socket } from 'node:net';
import { COMPLAINT } from '@cloister/protocol';
import type { Builds, Event, Part } from '../control.ts';
import { type Kept, keepRunning } from './keep-running.ts';
import { freshEpoch, type Link, type LinkMaker } from './link.ts';
import { closeStores, type OpenStore, openPayloadArea } from './open-stores.ts';
import type { Member, SharedService } from './shared-service.ts';
import { DATA_BYTES, type Spawn, type Spawned } from './spawn.ts';

/** A VM as the launcher knows it: its processes and what they hold. What runs in it the launcher does not know. */
export interface VirtualMachine {
  readonly id: string;
  readonly token: string;
  readonly label: string;
  readonly started: number;
  /** Asks its owner to end it in order. */
  askStop(): void;
  /** Replaces the slice; with `build`, by that one. */
  upgrade(build: string | undefined, debug: boolean): void;
  parts(): Part[];
  /** Ends it; resolves once nothing of it is left. */
  end(reason: string | null): Promise<void>;
  readonly ended: Promise<void>;
}

export interface VirtualMachineStart {
  readonly id: string;
  readonly label: string;
  readonly builds: Builds;
  readonly stores: readonly OpenStore[];
  /** For the machine: the client's settings and the key of run grants. */
  readonly machine: unknown;
  readonly grants: { readonly key: string; readonly cpus: number; readonly weight: number };
  readonly client: Socket;
  readonly links: LinkMaker;
  readonly storage: SharedService;
  readonly scheduler: SharedService;
  readonly spawn: Spawn;
  /** Guest RAM in bytes. */
  readonly memoryBytes: number;
  log(kind: string, bytes: Buffer): void;
  tell(event: Event): void;
}

/** How long a machine may take to stop its hart, in milliseconds. */
const STOP_MS = 3000;
/** Slices that the machine complained of, after which the VM ends: each restart costs everybody something. */
const COMPLAINTS_MAX = 8;

/** What a machine may take beside guest RAM: address space below it, and what monitor and hart need. */
const MACHINE_BYTES = 2 ** 30 + 512 * 2 ** 20;

export const newToken = (): string => randomBytes(32).toString('hex');

/** Starts the compartments of a VM; `end` is called for it when one cannot be kept running. */
export async function startCompartments(start: VirtualMachineStart, token: string): Promise<VirtualMachine> {
  const { id, label, spawn, links, storage, scheduler, tell } = start;
  const area = openPayloadArea();
  const made: Link[] = [];
  const make = async (): Promise<Link> => {
    const link = await links.make();
    made.push(link);
    return link;
  };
  const [toSlice, toStorage, toScheduler] = [await make(), await make(), await make()];
  /** The links of the slice, in its order; the fourth is the client's. */
  const sliceLinks = [toSlice, toStorage, toScheduler];
  let clientEpoch = freshEpoch();
  let build = start.builds.slice;
  let debug = false;
  let complaints = 0;
  let slice: Kept<Spawned> | undefined;
  let over: Promise<void> | undefined;
  let finished: () => void = () => undefined;
  const ended = new Promise<void>((resolve) => {
    finished = resolve;
  });

  const member = (link: Link, number: number, files: readonly number[], settings: unknown): Member => ({
    link,
    files,
    settings,
    serviceRenewed: () => slice?.current?.notice(number, link.epoch),
    failed: (reason) => void end(reason),
  });
  const disks = member(
    toStorage,
    1,
    [...start.stores.map(({ descriptor }) => descriptor), area],
    start.stores.map(({ descriptor: _, ...store }) => store),
  );
  const runs = member(toScheduler, 2, [], start.grants);

  const startMachine = (): Spawned =>
    spawn(
      {
        kind: 'machine',
        // The memory's lower part is the machine's own tables (hardware/layout.ts).
        dataBytes: start.memoryBytes + MACHINE_BYTES,
        // The hart as much as the scheduler grants, and the monitor beside it.
        cpus: 2 * start.grants.cpus,
        builds: start.builds,
        debug: false,
        links: [{ end: toSlice.ends[0], epoch: toSlice.epoch }],
        files: [area],
        settings: { machine: start.machine, grantKey: start.grants.key },
        heard(status) {
          if (status[0] !== COMPLAINT.slice) return;
          complaints += 1;
          if (complaints > COMPLAINTS_MAX) void end('The slice broke the protocol again and again');
          else slice?.current?.kill();
        },
      },
      (bytes) => start.log('machine', bytes),
    );
  let machine: Spawned;
  try {
    machine = startMachine();
  } catch (error) {
    for (const link of made) link.close();
    closeSync(area);
    throw error;
  }
  const startSlice = (): Spawned => {
    for (const link of sliceLinks) link.epoch = freshEpoch();
    clientEpoch = freshEpoch();
    const compartment = spawn(
      {
        kind: 'slice',
        cpus: start.grants.cpus,
        dataBytes: DATA_BYTES,
        builds: build === undefined ? {} : { slice: build },
        debug,
        links: [
          { end: toSlice.ends[1], epoch: toSlice.epoch },
          { end: toStorage.ends[1], epoch: toStorage.epoch },
          { end: toScheduler.ends[1], epoch: toScheduler.epoch },
          { end: start.client, epoch: clientEpoch },
        ],
        files: [],
        settings: {},
        heard: () => undefined,
      },
      (bytes) => start.log('slice', bytes),
    );
    machine.notice(0, toSlice.epoch);
    storage.sliceRenewed(disks);
    scheduler.sliceRenewed(runs);
    tell({ slice: Buffer.from(clientEpoch).toString('base64') });
    return compartment;
  };
  storage.add(disks);
  scheduler.add(runs);
  slice = keepRunning(startSlice, (reason) => void end(`The slice cannot be kept running: ${reason}`));
  void machine.ended.then((how) => end(`The machine is gone: ${how}`));

  const endAll = async (reason: string | null): Promise<void> => {
    machine.stop();
    const clock = setTimeout(machine.kill, STOP_MS);
    await machine.ended;
    clearTimeout(clock);
    await slice?.stop();
    await Promise.all([storage.remove(disks), scheduler.remove(runs)]);
    for (const link of made) link.close();
    closeStores(start.stores);
    closeSync(area);
    tell({ ended: { reason, status: machine.status()?.toString('base64') ?? null } });
    start.client.destroy();
    finished();
  };
  const end = (reason: string | null): Promise<void> => {
    over ??= endAll(reason);
    return over;
  };

  return {
    id,
    token,
    label,
    started: Date.now(),
    ended,
    end,
    askStop: () => tell({ stop: true }),
    upgrade(next, debugged) {
      build = next;
      debug = debugged;
      slice?.restart();
    },
    parts: () => [
      partOf('machine', machine, 0),
      partOf('slice', slice?.current, slice?.restarts ?? 0),
      partOf('storage', storage.kept.current, storage.kept.restarts),
      partOf('scheduler', scheduler.kept.current, scheduler.kept.restarts),
    ],
  };
}

const partOf = (kind: string, compartment: Spawned | undefined, restarts: number): Part => ({
  kind,
  pid: compartment?.pid ?? null,
  level: compartment?.level ?? 'none',
  restarts,
  code: compartment?.code ?? '',
  status: compartment?.status()?.toString('base64') ?? null,
});
