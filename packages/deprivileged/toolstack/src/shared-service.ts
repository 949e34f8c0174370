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
 * handed no file, so it is replaced whenever a VM comes or goes, the way it is replaced after a crash.
 */
export interface SharedService {
  readonly kept: Kept<Compartment>;
  add(member: Member): void;
  remove(member: Member): Promise<void>;
  /** That member's slice is another process, and its link in another epoch. */
  sliceRenewed(member: Member): void;
}

/** @param settingsOf what the service is told of what it was told of each member */
export function createSharedService(
  host: Host,
  kind: 'storage' | 'scheduler',
  settingsOf: (settings: readonly unknown[]) => object,
): SharedService {
  let members: readonly Member[] = [];
  let serving: readonly Member[] = [];
  let changed: (() => void)[] = [];
  const kept = keepRunning(
    () => {
      serving = members;
      for (const done of changed.splice(0)) done();
      if (serving.length === 0) return undefined;
      for (const { link } of serving) link.epoch = freshEpoch();
      const compartment = host.spawn({
        kind,
        links: serving.map(({ link }) => ({ link, end: 0 })),
        deposits: serving.flatMap(({ deposits }) => deposits),
        settings: settingsOf(serving.map(({ settings }) => settings)),
        cpus: 1,
        dataBytes: DATA_BYTES,
        log(bytes) {
          for (const member of members) member.log(kind, bytes);
        },
      });
      for (const member of serving) member.serviceRenewed();
      return compartment;
    },
    (reason) => {
      for (const member of members) member.failed(reason);
    },
  );
  return {
    kept,
    add(member) {
      members = [...members, member];
      kept.restart();
    },
    async remove(member) {
      members = members.filter((one) => one !== member);
      if (!serving.includes(member)) return;
      const gone = new Promise<void>((resolve) => {
        changed = [...changed, resolve];
      });
      kept.restart();
      await gone;
    },
    sliceRenewed(member) {
      const number = serving.indexOf(member);
      if (number >= 0) kept.current?.notice(number, member.link.epoch);
    },
  };
}
