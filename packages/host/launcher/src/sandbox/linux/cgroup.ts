import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface CgroupLimits {
  /** memory.max, with no swap beside it. */
  readonly memoryBytes: number;
  /** cpu.max, as a share of one CPU. */
  readonly cpus: number;
  /** pids.max: processes and threads. */
  readonly tasks: number;
}

export interface Cgroup {
  add(pid: number): void;
  /** Once it is empty. */
  remove(): void;
}

const PERIOD_MICROSECONDS = 100_000;

/**
 * Makes a group with limits in a version 2 group that was delegated to this user (systemd: `Delegate=yes`).
 * @param parent a directory of cgroup2, with no process of its own
 * @returns the group, or why there is none: then CPU is bounded by the launcher alone, and memory by RLIMIT_DATA
 */
export function limitedCgroup(parent: string, name: string, limits: CgroupLimits): Cgroup | { readonly why: string } {
  const group = join(parent, name);
  try {
    const controllers = readFileSync(join(parent, 'cgroup.controllers'), 'latin1').trim().split(' ');
    const lacking = ['cpu', 'memory', 'pids'].filter((controller) => !controllers.includes(controller));
    if (lacking.length > 0) return { why: `"${parent}" has no controller ${lacking.join(', ')}` };
    writeFileSync(join(parent, 'cgroup.subtree_control'), '+cpu +memory +pids');
    mkdirSync(group);
    writeFileSync(join(group, 'memory.max'), String(limits.memoryBytes));
    writeFileSync(join(group, 'memory.swap.max'), '0');
    writeFileSync(join(group, 'cpu.max'), `${Math.round(limits.cpus * PERIOD_MICROSECONDS)} ${PERIOD_MICROSECONDS}`);
    writeFileSync(join(group, 'pids.max'), String(limits.tasks));
  } catch (error) {
    return { why: (error as Error).message };
  }
  return {
    add: (pid) => writeFileSync(join(group, 'cgroup.procs'), String(pid)),
    remove: () => rmdirSync(group),
  };
}
