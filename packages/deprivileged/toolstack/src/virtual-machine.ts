import { COMPLAINT, type OwnerEvent, type Part } from '@cloister/protocol';
import type { Compartment } from './compartment.ts';
import { freshEpoch, type Host, type Link } from './host.ts';
import { type Kept, keepRunning } from './keep-running.ts';
import { DATA_BYTES, type Member, type SharedService } from './shared-service.ts';

/** A VM as the toolstack knows it: its processes and what they hold. What runs in it the toolstack does not know. */
export interface VirtualMachine {
  readonly id: string;
  readonly token: string;
  readonly label: string;
  readonly started: number;
  /** Asks its owner to end it in order. */
  askStop(): void;
  /** Replaces the slice; with `build`, by what was deposited under that id. */
  upgrade(build: string | null, debug: boolean): void;
  parts(): Part[];
  /** Ends it; resolves once nothing of it is left. */
  end(reason: string | null): Promise<void>;
  readonly ended: Promise<void>;
}

export interface VirtualMachineStart {
  readonly id: string;
  readonly token: string;
  readonly label: string;
  /** What its client deposited: stores, builds, what the machine is to be. */
  readonly deposit: string;
  /** What storage is told of the stores. */
  readonly stores: readonly object[];
  readonly grants: { readonly key: string; readonly cpus: number; readonly weight: number };
  /** The client's link to the slice. */
  readonly client: string;
  readonly host: Host;
  readonly storage: SharedService;
  readonly scheduler: SharedService;
  /** Guest RAM in bytes. */
  readonly memoryBytes: number;
  tell(event: OwnerEvent): void;
}

/** How long a machine may take to stop its hart, in milliseconds. */
const STOP_MS = 3000;
/** Slices that the machine complained of, after which the VM ends: each restart costs everybody something. */
const COMPLAINTS_MAX = 8;

/** What a machine may take beside guest RAM: address space below it, and what monitor and hart need. */
const MACHINE_BYTES = 2 ** 30 + 512 * 2 ** 20;

/** Starts the compartments of a VM; `end` is called for it when one cannot be kept running. */
export async function startCompartments(start: VirtualMachineStart): Promise<VirtualMachine> {
  const { id, token, label, host, storage, scheduler, tell } = start;
  const [toSlice, toStorage, toScheduler] = await Promise.all([
    host.makeLink(),
    storage.makeLink(),
    scheduler.makeLink(),
  ]);
  const client: Link = { id: start.client, epoch: freshEpoch() };
  /** The slice's, in its order. */
  const sliceLinks = [
    { link: toSlice, end: 1 },
    { link: toStorage, end: 1 },
    { link: toScheduler, end: 1 },
    { link: client, end: 0 },
  ] as const;
  const deposits = [start.deposit];
  let sliceDeposits = deposits;
  let debug = false;
  let complaints = 0;
  let slice: Kept<Compartment> | undefined;
  let over: Promise<void> | undefined;
  let finished: () => void = () => undefined;
  const ended = new Promise<void>((resolve) => {
    finished = resolve;
  });
  const log = (kind: string) => (bytes: Buffer) => tell({ log: printable(kind, bytes) });

  const member = (link: Link, number: number, files: readonly string[], settings: unknown): Member => ({
    ...{ link, deposits: files, settings },
    serviceRenewed: () => slice?.current?.notice(number, link.epoch),
    log: (kind, bytes) => log(kind)(bytes),
    failed: (reason) => void end(reason),
  });
  const disks = member(toStorage, 1, deposits, start.stores);
  const runs = member(toScheduler, 2, [], start.grants);

  // First, so that what is to be replaced ends while the others start.
  storage.add(disks);
  scheduler.add(runs);
  const machine = host.spawn({
    ...{ kind: 'machine', deposits, settings: { grantKey: start.grants.key } },
    // The memory's lower part is the machine's own tables (hardware/layout.ts).
    dataBytes: start.memoryBytes + MACHINE_BYTES,
    // The hart as much as the scheduler grants, and the monitor beside it.
    cpus: 2 * start.grants.cpus,
    links: [{ link: toSlice, end: 0 }],
    heard(status) {
      if (status[0] !== COMPLAINT.slice) return;
      complaints += 1;
      if (complaints > COMPLAINTS_MAX) void end('The slice broke the protocol again and again');
      else slice?.current?.kill();
    },
    log: log('machine'),
  });
  const startSlice = (): Compartment => {
    for (const { link } of sliceLinks) link.epoch = freshEpoch();
    const compartment = host.spawn({
      ...{ kind: debug ? 'debug' : 'slice', deposits: sliceDeposits, settings: {}, dataBytes: DATA_BYTES },
      cpus: start.grants.cpus,
      links: sliceLinks,
      log: log('slice'),
    });
    machine.notice(0, toSlice.epoch);
    storage.sliceRenewed(disks);
    scheduler.sliceRenewed(runs);
    const epoch = Buffer.from(client.epoch).toString('base64');
    void compartment.started.then(() => tell({ slice: epoch }));
    return compartment;
  };
  slice = keepRunning(startSlice, (reason) => void end(`The slice cannot be kept running: ${reason}`));
  void machine.ended.then((how) => end(`The machine is gone: ${how}`));

  const endAll = async (reason: string | null): Promise<void> => {
    machine.stop();
    const clock = setTimeout(machine.kill, STOP_MS);
    await machine.ended;
    clearTimeout(clock);
    await slice?.stop();
    await Promise.all([storage.remove(disks), scheduler.remove(runs)]);
    for (const one of [toSlice, toStorage, toScheduler, client]) host.close(one.id);
    for (const one of new Set([...deposits, ...sliceDeposits])) host.close(one);
    // Last: its owner may start another on the same disk now.
    tell({ ended: { reason, status: machine.status()?.toString('base64') ?? null } });
    finished();
  };
  const end = (reason: string | null): Promise<void> => {
    over ??= endAll(reason);
    return over;
  };

  return {
    ...{ id, token, label, ended, end },
    started: Date.now(),
    askStop: () => tell({ stop: true }),
    upgrade(build, debugged) {
      if (over !== undefined) return;
      for (const one of sliceDeposits) if (!deposits.includes(one)) host.close(one);
      sliceDeposits = build === null ? [] : [build];
      debug = debugged;
      slice?.restart();
    },
    parts: () => [
      partOf('machine', machine, 0),
      partOf('slice', slice?.current, slice?.restarts ?? 0),
      partOf('storage', storage.kept.current, storage.kept.restarts),
      partOf('scheduler', scheduler.kept.current, scheduler.kept.restarts),
      partOf('toolstack', host.self, 0),
    ],
  };
}

/** For a terminal that somebody reads it on. */
const printable = (kind: string, bytes: Buffer): string =>
  `${kind}: ${bytes.toString('latin1').replace(/[^\x20-\x7e\n]+/g, ' ')}`;

const partOf = (
  kind: string,
  compartment: (Pick<Compartment, 'pid' | 'level' | 'code'> & Partial<Pick<Compartment, 'status'>>) | undefined,
  restarts: number,
): Part => ({
  kind,
  pid: compartment?.pid ?? null,
  level: compartment?.level ?? 'none',
  restarts,
  code: compartment?.code ?? '',
  status: compartment?.status?.()?.toString('base64') ?? null,
});
