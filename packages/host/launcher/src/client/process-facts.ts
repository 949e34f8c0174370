import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import type { Part } from '@cloister/protocol';
import { processOf } from '../sandbox/linux/process-of.ts';

/** One process of a VM, or one that serves it, as the operating system shows it. */
export interface CompartmentFacts extends Part {
  /** Private memory in bytes. */
  readonly memory: number | null;
  /** What its descriptors are, by number. */
  readonly descriptors: Readonly<Record<string, string>>;
}

/** What `inspect` shows of a compartment: nobody believes a compartment what it holds. */
export function factsOf(part: Part): CompartmentFacts {
  const pid = part.pid === null ? null : processOf(part.pid);
  return {
    ...part,
    pid,
    memory: pid === null ? null : privateMemory(pid),
    descriptors: pid === null ? {} : descriptors(pid),
  };
}

function privateMemory(pid: number): number | null {
  const kib = [...readProc(pid, 'smaps_rollup').matchAll(/^Private_\w+:\s+(\d+) kB/gm)];
  return kib.length === 0 ? null : kib.reduce((sum, [, count]) => sum + 1024 * Number(count), 0);
}

function descriptors(pid: number): Record<string, string> {
  const found: Record<string, string> = {};
  try {
    for (const fd of readdirSync(`/proc/${pid}/fd`)) found[fd] = readlinkSync(`/proc/${pid}/fd/${fd}`);
  } catch {
    // It ended meanwhile, or this system has no such listing.
  }
  return found;
}

function readProc(pid: number, name: string): string {
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'latin1');
  } catch {
    return '';
  }
}
