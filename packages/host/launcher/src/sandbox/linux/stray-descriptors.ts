import { closeSync, readdirSync, readFileSync } from 'node:fs';

const O_CLOEXEC = 0o2000000;

/**
 * What this process would hand on to every child without being asked: descriptors that it was itself started with.
 * Node opens all of its own with O_CLOEXEC, and closes none of a child's; bubblewrap closes none either, and with a
 * directory's descriptor its empty root is none.
 */
export function strayDescriptors(): number[] {
  return readdirSync('/proc/self/fdinfo')
    .map(Number)
    .filter((descriptor) => descriptor > 2 && isInherited(descriptor));
}

/** For the first moment of a process that starts compartments. `keep` is what it was started with on purpose. */
export function closeStrayDescriptors(keep: readonly number[] = []): void {
  for (const descriptor of strayDescriptors()) if (!keep.includes(descriptor)) closeSync(descriptor);
}

function isInherited(descriptor: number): boolean {
  try {
    const info = readFileSync(`/proc/self/fdinfo/${descriptor}`, 'latin1');
    return (Number.parseInt(/^flags:\s+(\d+)/m.exec(info)?.[1] ?? '', 8) & O_CLOEXEC) === 0;
  } catch {
    return false; // the one that listed them
  }
}
