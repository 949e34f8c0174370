import { readFileSync } from 'node:fs';
import { processOf } from '../sandbox/linux/process-of.ts';

/** The kernel's line on a compartment's process; null when it is gone, or this system has none. */
export function kernelCounts(pid: number): string | null {
  try {
    return readFileSync(`/proc/${processOf(pid)}/stat`, 'latin1');
  } catch {
    return null;
  }
}

/** @param pid of a process or, negative, of a session */
export function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It has just ended.
  }
}
