import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** A process that this one has started and that still runs. */
export interface Child {
  readonly pid: number;
  /** Its command line, arguments joined by blanks. */
  readonly command: string;
  /** Its session: another than ours hears no signal of our terminal. */
  readonly session: number;
}

/** Children that run a bundle of ours (Linux alone). */
export function children(): Child[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const fields = readFileSync(`/proc/${name}/stat`, 'latin1').split(') ')[1]!.split(' ');
        const command = readFileSync(`/proc/${name}/cmdline`, 'latin1').replaceAll('\0', ' ');
        const isOurs = Number(fields[1]) === process.pid && fields[0] !== 'Z' && /\/dist\/\w+\.js/.test(command);
        return isOurs ? [{ pid: Number(name), command, session: Number(fields[3]) }] : [];
      } catch {
        // It ended meanwhile.
        return [];
      }
    });
}

/** What the descriptors of a process are, by number (Linux alone). */
export function descriptorsOf(pid: number | 'self'): Map<number, string> {
  const found = new Map<number, string>();
  for (const name of readdirSync(`/proc/${pid}/fd`))
    try {
      found.set(Number(name), readlinkSync(`/proc/${pid}/fd/${name}`));
    } catch {
      // The listing's own.
    }
  return found;
}

/** Threads of this process (Linux alone). */
export const threads = (): number => readdirSync('/proc/self/task').length;
