/** How much CPU time may be saved up, in milliseconds. */
const SAVED_MS = 1000;
/** What the kernel counts in /proc (USER_HZ), which is 100 a second on every Linux that Node runs on. */
const TICK_MS = 10;

interface Account {
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
export interface CpuAccount {
  add(id: string, cpus: number): void;
  remove(id: string): void;
  /** @param usage the line of /proc/PID/stat for each */
  settle(usage: readonly (readonly [id: string, line: string | null])[], now: number): void;
}

/** @param change stops one, or lets it go on */
export function createCpuAccount(change: (id: string, stopped: boolean) => void): CpuAccount {
  const accounts = new Map<string, Account>();
  let then: number | undefined;
  return {
    add: (id, cpus) => void accounts.set(id, { cpus, credit: SAVED_MS * cpus, used: 0, stopped: false }),
    remove: (id) => void accounts.delete(id),
    settle(usage, now) {
      const passed = now - (then ?? now);
      then = now;
      for (const [id, line] of usage) {
        const one = accounts.get(id);
        if (one === undefined || line === null) continue;
        const used = cpuTime(line);
        // The outer process of a sandbox is seen before the inner one, whose count begins at zero.
        one.credit = Math.min(one.credit + passed * one.cpus - Math.max(0, used - one.used), SAVED_MS * one.cpus);
        one.used = used;
        if (one.stopped === one.credit < 0) continue;
        one.stopped = !one.stopped;
        change(id, one.stopped);
      }
    },
  };
}

/** User and system time in milliseconds, from the line of /proc/PID/stat. */
function cpuTime(line: string): number {
  const fields = line.slice(line.lastIndexOf(') ') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}
