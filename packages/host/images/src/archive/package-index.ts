import { createReadStream } from 'node:fs';
import {
  BuilderError,
  compareVersions,
  compressionByName,
  decompress,
  type PackageRecord,
  packagesOf,
  type Release,
} from '@cloister/builder';
import { type DownloadContext, download } from '../download.ts';
import { fail, ImageError } from '../failure.ts';

/** The packages of one suite for riscv64. */
export interface PackageIndex {
  /** The newest version of a package. */
  newest(name: string): PackageRecord | undefined;
  /** The packages that provide a virtual package, by name. */
  providers(name: string): readonly PackageRecord[];
  byFilename(filename: string): PackageRecord | undefined;
  all(): Iterable<PackageRecord>;
}

const LIMIT = 1024 * 1024 * 1024;
const NAMES = ['Packages.xz', 'Packages.gz'];

/**
 * Downloads the index that a release names, by hash where the release says so (DebianRepository/Format, "Acquire-By-Hash"),
 * and reads it. An index that does not match the release is never used: `mirror-incomplete`.
 */
export async function loadIndex(context: DownloadContext, suite: string, release: Release): Promise<PackageIndex> {
  const directory = 'main/binary-riscv64';
  const name = NAMES.find((candidate) => release.files.has(`${directory}/${candidate}`));
  if (name === undefined) fail('mirror-incomplete', `The suite "${suite}" has no packages for riscv64`);
  const { size, sha256 } = release.files.get(`${directory}/${name}`)!;
  const paths = [
    ...(release.acquireByHash ? [`dists/${suite}/${directory}/by-hash/SHA256/${sha256}`] : []),
    `dists/${suite}/${directory}/${name}`,
  ];
  let reason: unknown;
  for (const path of paths) {
    try {
      const file = await download(context, { path, size, sha256 });
      return await readIndex(file, name);
    } catch (error) {
      if (
        !(error instanceof ImageError) ||
        !['mirror-incomplete', 'bad-hash', 'mirror-unreachable'].includes(error.code)
      )
        throw error;
      reason = error;
    }
  }
  fail('mirror-incomplete', `The mirror's index of "${suite}" does not match its signed release`, reason);
}

/** The index read last, by its file (named by content): finding the keyring and then resolving need the same one. */
let lastRead: { readonly file: string; readonly index: PackageIndex } | undefined;

async function readIndex(file: string, name: string): Promise<PackageIndex> {
  if (lastRead?.file === file) return lastRead.index;
  const records: PackageRecord[] = [];
  try {
    for await (const record of packagesOf(decompress(createReadStream(file), compressionByName(name), LIMIT)))
      records.push(record);
  } catch (error) {
    if (error instanceof BuilderError)
      fail('mirror-incomplete', `The mirror's index cannot be read (${error.message.toLowerCase()})`, error);
    throw error;
  }
  const index = indexOf(records);
  lastRead = { file, index };
  return index;
}

/** An index over records. */
export function indexOf(records: readonly PackageRecord[]): PackageIndex {
  const newest = new Map<string, PackageRecord>();
  const byFilename = new Map<string, PackageRecord>();
  for (const record of records) {
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
