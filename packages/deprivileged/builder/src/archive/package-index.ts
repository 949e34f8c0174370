import type { PackageRecord } from './package-record.ts';
import { compareVersions } from './version.ts';

/** The packages of one suite for riscv64. */
export interface PackageIndex {
  /** The newest version of a package. */
  newest(name: string): PackageRecord | undefined;
  /** The packages that provide a virtual package, by name. */
  providers(name: string): readonly PackageRecord[];
  byFilename(filename: string): PackageRecord | undefined;
  all(): Iterable<PackageRecord>;
}

/** The index of all that comes. */
export async function readIndex(source: AsyncIterable<PackageRecord>): Promise<PackageIndex> {
  const newest = new Map<string, PackageRecord>();
  const byFilename = new Map<string, PackageRecord>();
  for await (const record of source) {
    byFilename.set(record.filename, record);
    const known = newest.get(record.name);
    if (known === undefined || compareVersions(record.version, known.version) > 0) newest.set(record.name, record);
  }
  const providers = new Map<string, PackageRecord[]>();
  for (const record of newest.values()) {
    for (const match of record.provides.matchAll(/(?:^|,)\s*([a-z0-9][a-z0-9+.-]*)/g)) {
      const list = providers.get(match[1]!);
      if (list === undefined) providers.set(match[1]!, [record]);
      else list.push(record);
    }
  }
  return {
    newest: (name) => newest.get(name),
    providers: (name) => (providers.get(name) ?? []).toSorted((a, b) => (a.name < b.name ? -1 : 1)),
    byFilename: (filename) => byFilename.get(filename),
    all: () => newest.values(),
  };
}
