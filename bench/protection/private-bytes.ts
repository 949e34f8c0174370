import { readFileSync } from 'node:fs';

/**
 * Private bytes of a process, without those of its largest mapping if that is at least as large as a guest's memory: in a
 * machine these are the guest's memory and its tables.
 */
export function privateBytes(pid: number, guestBytes: number): number {
  let total = 0;
  let guest = 0;
  let size = 0;
  let own = 0;
  for (const line of `${readFileSync(`/proc/${pid}/smaps`, 'latin1')}VmFlags: end\n`.split('\n')) {
    const [, name, kib] = /^(\w+):\s+(\d+) kB/.exec(line) ?? [];
    if (name === 'Size') size = 1024 * Number(kib);
    else if (name?.startsWith('Private_') && name !== 'Private_Hugetlb') own += 1024 * Number(kib);
    else if (line.startsWith('VmFlags')) {
      total += own;
      // V8 reserves more around it: the memory itself is the mapping that has the most.
      if (size >= guestBytes && own > guest) guest = own;
      own = 0;
      size = 0;
    }
  }
  return total - guest;
}
