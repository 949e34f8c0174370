import { closeSync, readdirSync, readFileSync } from 'node:fs';

/** O_CLOEXEC, as /proc/self/fdinfo shows it: in octal. */
const CLOSE_ON_EXEC = 0o2000000;

/**
 * Closes what the program that started the first client had left open: whatever passes on exec would reach every
 * compartment. Node's own descriptors do not pass.
 */
export function closeInherited(): void {
  if (process.platform !== 'linux') return;
  for (const fd of readdirSync('/proc/self/fd').map(Number)) {
    if (fd <= 2) continue;
    try {
      const flags = /^flags:\s+([0-7]+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'latin1'));
      if (flags !== null && (Number.parseInt(flags[1]!, 8) & CLOSE_ON_EXEC) === 0) closeSync(fd);
    } catch {
      // The listing's own.
    }
  }
}
