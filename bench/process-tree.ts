import { readdirSync, readFileSync } from 'node:fs';

/** Clock ticks a second of /proc/PID/stat (sysconf(_SC_CLK_TCK), 100 on every Linux port). */
const TICKS = 100;

/** CPU seconds, user and system, that a process and its living descendants have used; exited children count with it. */
export function treeCpuSeconds(pid: number): number {
  const children = new Map<number, number[]>();
  const used = new Map<number, number>();
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    let text: string;
    try {
      text = readFileSync(`/proc/${entry}/stat`, 'latin1');
    } catch {
      continue;
    }
    // Fields after the name in parentheses, which may hold anything: state, ppid, …, utime (14), stime, cutime, cstime.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    const parent = Number(fields[1]);
    const times = fields.slice(11, 15).map(Number);
    used.set(Number(entry), times.reduce((sum, time) => sum + time, 0) / TICKS);
    children.set(parent, [...(children.get(parent) ?? []), Number(entry)]);
  }
  const total = (id: number): number =>
    (used.get(id) ?? 0) + (children.get(id) ?? []).reduce((sum, child) => sum + total(child), 0);
  return total(pid);
}

/** CPU seconds of one process and its threads. */
export function processCpuSeconds(pid: number): number {
  const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
  const [user, system] = text
    .slice(text.lastIndexOf(')') + 2)
    .split(' ')
    .slice(11, 13);
  return (Number(user) + Number(system)) / TICKS;
}

/** Processes that were started by this one, and live. */
export function childrenOf(pid: number): readonly number[] {
  return readdirSync('/proc').flatMap((entry) => {
    if (!/^\d+$/.test(entry)) return [];
    try {
      const text = readFileSync(`/proc/${entry}/stat`, 'latin1');
      return Number(text.slice(text.lastIndexOf(')') + 2).split(' ')[1]) === pid ? [Number(entry)] : [];
    } catch {
      return [];
    }
  });
}
