import { randomBytes } from 'node:crypto';
import {
  EPOCH_BYTES,
  encodeNotice,
  type FromToolstack,
  type SpawnedKind,
  STATUS_INTERVAL_MS,
  STOP_NOTICE,
  type ToToolstack,
} from '@cloister/protocol';
import type { Compartment } from './compartment.ts';
import { createCpuAccount } from './cpu-account.ts';

/** A stream between two compartments, whose ends outlive the processes that stand there. */
export interface Link {
  readonly id: string;
  /** What both ends greet each other with; fresh whenever another process takes an end. */
  epoch: Uint8Array;
}

export const freshEpoch = (): Uint8Array => randomBytes(EPOCH_BYTES);

export interface SpawnOptions {
  readonly kind: SpawnedKind;
  /** Its ends of links, in its order. */
  readonly links: readonly { readonly link: Pick<Link, 'id' | 'epoch'>; readonly end: 0 | 1 }[];
  /** Ids of deposits. */
  readonly deposits: readonly string[];
  readonly settings: object;
  /** CPUs that it may use on average, and most private memory in bytes. */
  readonly cpus: number;
  readonly dataBytes: number;
  /** After so long without a sign of life it is killed, in milliseconds. */
  readonly deadlineMs?: number;
  heard?(status: Buffer): void;
  /** What it writes for its operator. */
  log?(bytes: Buffer): void;
}

/** What the toolstack can have of the host: the launcher's services, and nothing beside them. */
export interface Host {
  /** Takes over what a client deposited or attached: how many files it is. @throws if there is no such thing */
  claim(id: string): Promise<number>;
  /** @throws if the launcher can make no more */
  makeLink(): Promise<Link>;
  close(id: string): void;
  spawn(options: SpawnOptions): Compartment;
  /** The toolstack's own process, once the launcher has told of it. */
  readonly self: Pick<Compartment, 'pid' | 'level' | 'code'> | undefined;
  /** A line of the launcher's. */
  hear(line: ToToolstack): void;
  /** Asks what everybody has used; whoever has used too much is stopped until it is even. */
  look(): void;
}

/** Time in which a compartment that runs at all gives many signs of life. */
const DEADLINE_MS = 20 * STATUS_INTERVAL_MS;

/** A compartment, and what the launcher's lines do to it. */
interface Running extends Compartment {
  begin(facts: Pick<Compartment, 'pid' | 'level' | 'code'>): void;
  hearStatus(record: Buffer): void;
  log(bytes: Buffer): void;
  end(how: string): void;
}

/** @param ask sends a request to the launcher */
export function createHost(ask: (request: FromToolstack) => void): Host {
  const running = new Map<string, Running>();
  const awaited = new Map<string, { resolve(files: number): void; reject(error: Error): void }>();
  const account = createCpuAccount((id, stopped) => ask({ do: stopped ? 'pause' : 'resume', id }));
  let self: Host['self'];
  let made = 0;
  const answered = (id: string, request: FromToolstack): Promise<number> =>
    new Promise((resolve, reject) => {
      awaited.set(id, { resolve, reject });
      ask(request);
    });
  const settle = (id: string): { resolve(files: number): void; reject(error: Error): void } | undefined => {
    const found = awaited.get(id);
    awaited.delete(id);
    return found;
  };

  return {
    get self() {
      return self;
    },
    claim: (id) => answered(id, { do: 'claim', id }),
    async makeLink() {
      const id = `link-${(made += 1)}`;
      await answered(id, { do: 'link', id });
      return { id, epoch: freshEpoch() };
    },
    close: (id) => ask({ do: 'close', id }),
    spawn(options) {
      const { kind, links, deposits, settings, dataBytes, cpus } = options;
      const id = `${kind}-${(made += 1)}`;
      const compartment = follow(id, options, ask);
      running.set(id, compartment);
      account.add(id, cpus);
      ask({
        do: 'spawn',
        ...{ id, kind, deposits, settings, dataBytes },
        links: links.map(({ link, end }) => ({ id: link.id, end, epoch: Buffer.from(link.epoch).toString('base64') })),
      });
      return compartment;
    },
    hear(line) {
      if ('had' in line) settle(line.had)?.resolve(line.files);
      else if ('started' in line) {
        const { started, ...facts } = line;
        if (started === 'toolstack') self = facts;
        else running.get(started)?.begin(facts);
      } else if ('refused' in line) {
        settle(line.refused)?.reject(new Error(line.why));
        gone(line.refused, line.why);
      } else if ('status' in line) running.get(line.status)?.hearStatus(Buffer.from(line.record, 'base64'));
      else if ('log' in line) running.get(line.log)?.log(Buffer.from(line.bytes, 'base64'));
      else if ('ended' in line) gone(line.ended, line.how);
      else account.settle(line.usage, performance.now());
    },
    look: () => ask({ do: 'usage' }),
  };

  function gone(id: string, how: string): void {
    running.get(id)?.end(how);
    running.delete(id);
    account.remove(id);
  }
}

/** A compartment of that id, as far as the launcher has told of it. */
function follow(
  id: string,
  { deadlineMs = DEADLINE_MS, heard, log }: SpawnOptions,
  ask: (request: FromToolstack) => void,
): Running {
  let status: Buffer | undefined;
  let begun: () => void = () => undefined;
  const started = new Promise<void>((resolve) => {
    begun = resolve;
  });
  let end: (how: string) => void = () => undefined;
  const ended = new Promise<string>((resolve) => {
    end = resolve;
  });
  const kill = (): void => ask({ do: 'kill', id });
  const notice = (number: number, epoch: Uint8Array, settings: unknown = null): void => {
    const bytes = encodeNotice({ number, epoch: Uint8Array.from(epoch), settings });
    ask({ do: 'notice', id, bytes: Buffer.from(bytes).toString('base64') });
  };
  const clock = setTimeout(kill, deadlineMs);
  return {
    pid: null,
    level: 'none',
    code: '',
    status: () => status,
    started,
    ended,
    notice,
    stop: () => notice(STOP_NOTICE, new Uint8Array(EPOCH_BYTES)),
    kill,
    begin(facts) {
      Object.assign(this, facts);
      begun();
    },
    hearStatus(record) {
      status = record;
      clock.refresh();
      heard?.(record);
    },
    log: (bytes) => log?.(bytes),
    end(how) {
      clearTimeout(clock);
      end(how);
    },
  };
}
