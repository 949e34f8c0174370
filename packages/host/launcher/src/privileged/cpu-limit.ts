import { readFileSync } from 'node:fs';
import { processOf } from '../sandbox/linux/process-of.ts';

/** How often CPU time is looked at, and how much of it may be saved up, in milliseconds. */
const INTERVAL_MS = 100;
const SAVED_MS = 1000;
/** What the kernel counts in /proc (USER_HZ), which is 100 a second on every Linux that Node runs on. */
const TICK_MS = 10;

interface Limited {
  readonly pid: number;
  /** CPUs that it may use on average. */
  readonly cpus: number;
  /** Milliseconds that it has left. */
  credit: number;
  used: number;
  stopped: boolean;
}

/**
 * Bounds the CPU time of compartments without any right on the host: one that has used more than its share is stopped
 * until it is even. The scheduler's budgets bind guests; this binds whatever a compartment's code has become.
 */
export interface CpuLimit {
  /** @param pid of the process that was spawned */
  watch(pid: number, cpus: number): void;
}

export function createCpuLimit(): CpuLimit {
  const watched = new Set<Limited>();
  let then = performance.now();
  const look = (): void => {
    const now = performance.now();
    for (const one of watched) if (!account(one, now - then)) watched.delete(one);
    then = now;
  };
  let clock: NodeJS.Timeout | undefined;
  return {
    watch(pid, cpus) {
      if (process.platform !== 'linux') return;
      watched.add({ pid, cpus, credit: SAVED_MS * cpus, used: 0, stopped: false });
      if (clock !== undefined) return;
      then = performance.now();
      clock = setInterval(look, INTERVAL_MS);
    },
  };
}

/** False when the process is gone. */
function account(one: Limited, passed: number): boolean {
  const pid = processOf(one.pid);
  const used = cpuTime(pid);
  if (used === undefined) return false;
  // The outer process of a sandbox is seen before the inner one, whose count begins at zero.
  one.credit = Math.min(one.credit + passed * one.cpus - Math.max(0, used - one.used), SAVED_MS * one.cpus);
  one.used = used;
  if (one.stopped !== one.credit < 0) {
    one.stopped = !one.stopped;
    try {
      process.kill(pid, one.stopped ? 'SIGSTOP' : 'SIGCONT');
    } catch {
      return false;
    }
  }
  return true;
}

/** User and system time of a process in milliseconds; undefined when it is gone. */
function cpuTime(pid: number): number | undefined {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1]!.split(' ');
    return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
  } catch {
    return undefined;
  }
}
