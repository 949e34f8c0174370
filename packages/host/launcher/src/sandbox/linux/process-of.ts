import { readFileSync } from 'node:fs';

/**
 * The process that runs the compartment: bubblewrap's only child, or the pid itself where nothing stands before it.
 * What is to be stopped, limited or looked at is this one.
 */
export function processOf(pid: number): number {
  try {
    const [child] = readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').trim().split(' ');
    return child === undefined || child === '' ? pid : Number(child);
  } catch {
    return pid;
  }
}
