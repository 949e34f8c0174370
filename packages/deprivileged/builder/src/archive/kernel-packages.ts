import { refuse } from '../failure.ts';
import type { PackageIndex } from './package-index.ts';
import type { PackageRecord } from './package-record.ts';
import { relationsOf } from './relation.ts';

/**
 * The packages that hold Debian's current kernel and its modules, found from the metapackage by dependency: one big
 * `linux-image-VERSION` in trixie, a small one with `linux-binary-VERSION` and `linux-modules-VERSION` later.
 * Throws `not-found`.
 */
export function kernelPackages(index: PackageIndex): PackageRecord[] {
  const found = new Map<string, PackageRecord>();
  const queue = ['linux-image-riscv64'];
  for (let name = queue.shift(); name !== undefined; name = queue.shift()) {
    const record = index.newest(name);
    if (record === undefined || found.has(name)) continue;
    found.set(name, record);
    for (const relation of relationsOf(`${record.preDepends},${record.depends}`)) {
      for (const alternative of relation)
        if (/^linux-(image|binary|modules)-\d/.test(alternative.name)) queue.push(alternative.name);
    }
  }
  found.delete('linux-image-riscv64');
  if (found.size === 0) refuse('not-found', 'The suite has no kernel for riscv64');
  return [...found.values()];
}
