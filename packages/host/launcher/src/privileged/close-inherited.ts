import { closeSync, readdirSync, readFileSync } from 'node:fs';

/** O_CLOEXEC, as /proc/self/fdinfo shows it: in octal. */
const CLOSE_ON_EXEC = 0o2000000;

/** Descriptors that pass on exec to every child, asked for or not. Node's own do not pass. */
export function inheritedDescriptors(): number[] {
  if (process.platform !== 'linux') return [];
  const open = readdirSync('/proc/self/fd').map(Number);
  return open.filter((fd) => fd > 2 && passesOn(fd));
}

function passesOn(fd: number): boolean {
  try {
    const [, flags] = /^flags:\s+([0-7]+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'latin1'))!;
    return (Number.parseInt(flags!, 8) & CLOSE_ON_EXEC) === 0;
  } catch {
    return false; // the listing's own
  }
}

/**
 * Closes what the program that started the first client had left open: it would reach every compartment, for neither
 * Node nor bubblewrap closes what a child was not meant to have.
 */
export function closeInherited(): void {
  for (const fd of inheritedDescriptors()) closeSync(fd);
}
