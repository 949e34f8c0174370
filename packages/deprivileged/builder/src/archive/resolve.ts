import { refuse } from '../failure.ts';
import type { PackageIndex } from './package-index.ts';
import type { PackageRecord } from './package-record.ts';
import { type Alternative, relationsOf, versionSatisfies } from './relation.ts';

/** Debian's minimal system: all essential and required packages (Policy 2.5, 3.8). */
export function requiredPackages(index: PackageIndex): PackageRecord[] {
  return [...index.all()]
    .filter(({ essential, priority }) => essential || priority === 'required')
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/**
 * `roots` with all that they depend on, by name, in a fixed order. Like debootstrap's, this resolver knows Depends and
 * Pre-Depends and takes the first alternative that exists; it is for Debian's base system, which has no conflicts.
 * Everything else is resolved by the guest's own apt. Throws `not-found`.
 */
export function withDependencies(index: PackageIndex, roots: readonly string[]): PackageRecord[] {
  const chosen = new Map<string, PackageRecord>();
  const queue: PackageRecord[] = [];
  const add = (record: PackageRecord) => {
    if (chosen.has(record.name)) return;
    chosen.set(record.name, record);
    queue.push(record);
  };
  for (const name of roots) add(index.newest(name) ?? refuse('not-found', `The suite has no package "${name}"`));
  for (let record = queue.shift(); record !== undefined; record = queue.shift()) {
    for (const relation of relationsOf(`${record.preDepends},${record.depends}`)) {
      if (relation.some((alternative) => isSatisfied(chosen.values(), alternative))) continue;
      const found = firstOf(relation, (alternative) => candidate(index, alternative));
      if (found === undefined) {
        const wanted = relation.map(({ name }) => name).join(' | ');
        refuse('not-found', `The suite has no "${wanted}", which "${record.name}" depends on`);
      }
      add(found);
    }
  }
  return [...chosen.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

function candidate(index: PackageIndex, alternative: Alternative): PackageRecord | undefined {
  const real = index.newest(alternative.name);
  if (real !== undefined && versionSatisfies(real.version, alternative)) return real;
  return index.providers(alternative.name).find((record) => provides(record, alternative));
}

function isSatisfied(chosen: Iterable<PackageRecord>, alternative: Alternative): boolean {
  for (const record of chosen) {
    if (record.name === alternative.name && versionSatisfies(record.version, alternative)) return true;
    if (record.provides.includes(alternative.name) && provides(record, alternative)) return true;
  }
  return false;
}

/** Whether a package provides a virtual one, in the version asked for (Policy 7.5: an unversioned one satisfies no version). */
function provides(record: PackageRecord, alternative: Alternative): boolean {
  return relationsOf(record.provides).some(([virtual]) => {
    if (virtual?.name !== alternative.name) return false;
    if (alternative.operator === undefined) return true;
    return virtual.version !== undefined && versionSatisfies(virtual.version, alternative);
  });
}

function firstOf<T, R>(items: readonly T[], find: (item: T) => R | undefined): R | undefined {
  for (const item of items) {
    const found = find(item);
    if (found !== undefined) return found;
  }
  return undefined;
}
