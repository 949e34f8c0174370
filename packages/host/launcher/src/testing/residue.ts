import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** A process as the operating system shows it (Linux alone). */
export interface Found {
  readonly pid: number;
  readonly parent: number;
  /** Its command line, arguments joined by blanks. */
  readonly command: string;
  /** Its session: another than ours hears no signal of our terminal. */
  readonly session: number;
}

function processes(): Found[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const fields = readFileSync(`/proc/${name}/stat`, 'latin1').split(') ')[1]!.split(' ');
        const command = readFileSync(`/proc/${name}/cmdline`, 'latin1').replaceAll('\0', ' ');
        if (fields[0] === 'Z') return [];
        return [{ pid: Number(name), parent: Number(fields[1]), command, session: Number(fields[3]) }];
      } catch {
        // It ended meanwhile.
        return [];
      }
    });
}

/** The launcher whose socket lies in a directory, and all that it has started. */
export function launchedIn(directory: string): Found[] {
  const all = processes();
  const found = all.filter(({ command }) => command.includes(`${directory}/launcher-`));
  for (const one of found) found.push(...all.filter(({ parent }) => parent === one.pid));
  return found;
}

const GONE_MS = 10_000;

/** What is left of the launcher of a directory, after it had time to end. */
export async function leftIn(directory: string): Promise<string[]> {
  for (const deadline = Date.now() + GONE_MS; Date.now() < deadline; await sleep(20))
    if (launchedIn(directory).length === 0) break;
  return launchedIn(directory).map(({ command }) => command);
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
