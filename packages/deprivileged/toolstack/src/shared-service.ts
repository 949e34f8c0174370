import type { Compartment } from './compartment.ts';
import { freshEpoch, type Host, type Link } from './host.ts';
import { type Kept, keepRunning } from './keep-running.ts';

/** Private memory that is enough for a compartment without guest RAM. */
export const DATA_BYTES = 384 * 2 ** 20;

/** What a service has of one VM: its end of the link to that VM's slice, files, and what the service is told of them. */
export interface Member {
  readonly link: Link;
  readonly deposits: readonly string[];
  readonly settings: unknown;
  /** Tells the slice, if there is one, that the service is another process. */
  serviceRenewed(): void;
  /** The service writes something for its operator. */
  log(kind: string, bytes: Buffer): void;
  /** The service cannot be kept running. */
  failed(reason: string): void;
}

/**
 * A service for all VMs: one process, which holds what its VMs need and nothing of any other. A running process can be
 * handed nothing, so it is replaced whenever a VM comes or goes, the way it is replaced after a crash. One that needs
 * no files has links to spare, which nobody is at the far end of, and is told of the VM that takes one.
 */
export interface SharedService {
  readonly kept: Kept<Compartment>;
  /** For a member that is about to come: a spare link, if there is one. @throws if the launcher can make no more */
  makeLink(): Promise<Link>;
  add(member: Member): void;
  remove(member: Member): Promise<void>;
  /** That member's slice is another process, and its link in another epoch. */
  sliceRenewed(member: Member): void;
}

interface Service {
  /** How many links it has to spare; none if it needs files. */
  readonly spares: number;
  /** What it is told when it starts, of each link in its order: a spare one has null. */
  settingsOf(settings: readonly unknown[]): object;
}

export function createSharedService(
  host: Host,
  kind: 'storage' | 'scheduler',
  { spares, settingsOf }: Service,
): SharedService {
  let members: readonly Member[] = [];
  const spare: Link[] = [];
  /** The running process's, in its order. */
  let links: readonly Link[] = [];
  let changed: (() => void)[] = [];
  const kept = keepRunning(
    () => {
      if (members.length === 0) for (const { id } of spare.splice(0)) host.close(id);
      links = [...members.map(({ link }) => link), ...spare];
      for (const done of changed.splice(0)) done();
      if (members.length === 0) return undefined;
      for (const link of links) link.epoch = freshEpoch();
      const compartment = host.spawn({
        kind,
        links: links.map((link) => ({ link, end: 0 })),
        deposits: members.flatMap(({ deposits }) => deposits),
        settings: settingsOf(links.map((_, number) => members[number]?.settings ?? null)),
        cpus: 1,
        dataBytes: DATA_BYTES,
        log(bytes) {
          for (const member of members) member.log(kind, bytes);
        },
      });
      for (const member of members) member.serviceRenewed();
      return compartment;
    },
    (reason) => {
      for (const member of members) member.failed(reason);
    },
  );
  /** Fewer, where the launcher can make no more. */
  const makeSpare = (): Promise<unknown> =>
    Promise.all(
      Array.from({ length: Math.max(0, spares - spare.length) }, () =>
        host.makeLink().then(
          (link) => spare.push(link),
          () => undefined,
        ),
      ),
    );
  return {
    kept,
    async makeLink() {
      const found = spare.shift();
      if (found !== undefined) return found;
      const [link] = await Promise.all([host.makeLink(), makeSpare()]);
      return link;
    },
    add(member) {
      members = [...members, member];
      if (!links.includes(member.link)) kept.restart();
    },
    async remove(member) {
      members = members.filter((one) => one !== member);
      if (!links.includes(member.link)) return;
      if (members.length > 0) await makeSpare();
      const gone = new Promise<void>((resolve) => {
        changed = [...changed, resolve];
      });
      kept.restart();
      await gone;
    },
    sliceRenewed(member) {
      const number = links.indexOf(member.link);
      if (number >= 0) kept.current?.notice(number, member.link.epoch, spares > 0 ? member.settings : null);
    },
  };
}
