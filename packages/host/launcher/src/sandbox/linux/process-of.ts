import { readFileSync } from 'node:fs';

/**
 * The process that runs the compartment: bubblewrap's only child, or the pid itself where nothing stands before it.
 * What is to be stopped, limited or looked at is this one.
 */
export function processOf(pid: number): number {
  try {
    return Number.parseInt(readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1'), 10) || pid;
  } catch {
    return pid;
  }
}
