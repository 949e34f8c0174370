import type { PackageIndex } from './package-index.ts';
import type { PackageRecord } from './package-record.ts';
import { relationsOf } from './relation.ts';

/**
 * All packages that a resolver could need to install `names`: over every alternative and every provider of their
 * dependencies. Whatever apt would choose from the whole index is among them (it takes no recommended packages), and it
 * reads a few hundred packages instead of 68,000.
 */
export function reachablePackages(index: PackageIndex, names: Iterable<string>): PackageRecord[] {
  const found = new Map<string, PackageRecord>();
  const seen = new Set<string>();
  const queue = [...names];
  for (let name = queue.pop(); name !== undefined; name = queue.pop()) {
    if (seen.has(name)) continue;
    seen.add(name);
    const real = index.newest(name);
    for (const record of real === undefined ? index.providers(name) : [real, ...index.providers(name)]) {
      if (found.has(record.name)) continue;
      found.set(record.name, record);
      for (const relation of relationsOf(`${record.preDepends},${record.depends}`))
        queue.push(...relation.map((alternative) => alternative.name));
    }
  }
  return [...found.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** A package in another form than the archive's. */
interface Repacked {
  readonly size: number;
  readonly sha256: string;
}

/**
 * A `Packages` index of these records for the guest's apt. `repacked` gives the size and hash of packages that lie there
 * in another form than the archive's: they were verified before they were repacked.
 */
export function* aptList(
  records: readonly PackageRecord[],
  repacked: ReadonlyMap<string, Repacked>,
): Generator<string, void, undefined> {
  const fields = (record: PackageRecord): [string, string][] => {
    const file = repacked.get(record.name) ?? record;
    return [
      ['Package', record.name],
      ['Version', record.version],
      ['Architecture', record.architecture],
      ['Essential', record.essential ? 'yes' : ''],
      ['Priority', record.priority],
      ['Depends', record.depends],
      ['Pre-Depends', record.preDepends],
      ['Provides', record.provides],
      ...record.other,
      ['Filename', record.filename],
      ['Size', String(file.size)],
      ['SHA256', file.sha256],
    ];
  };
  const stanza = (record: PackageRecord) =>
    fields(record)
      .filter(([, value]) => value !== '')
      .map(([key, value]) => `${key}: ${value}\n`)
      .join('');
  for (const record of records) yield `${stanza(record)}\n`;
}
