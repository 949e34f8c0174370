import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import type { CompartmentFacts } from '../control.ts';
import { processOf } from '../sandbox/linux/process-of.ts';
import type { Spawned } from './spawn.ts';

/** What `inspect` shows of a compartment: from the operating system, for the launcher believes no compartment. */
export function factsOf(kind: string, compartment: Spawned | undefined, restarts: number): CompartmentFacts {
  const pid = compartment?.pid === undefined ? null : processOf(compartment.pid);
  return {
    kind,
    pid,
    level: compartment?.level ?? 'none',
    restarts,
    memory: pid === null ? null : privateMemory(pid),
    descriptors: pid === null ? {} : descriptors(pid),
    code: compartment?.code ?? '',
    status: compartment?.status()?.toString('base64') ?? null,
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
