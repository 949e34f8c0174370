import { type BuilderJob, type FromBuilder, PIECE_BYTES_MAX, type Selection, type TarHeader } from '@cloister/protocol';
import { aptList, reachablePackages } from './archive/apt-list.ts';
import { kernelPackages } from './archive/kernel-packages.ts';
import { type PackageIndex, readIndex } from './archive/package-index.ts';
import { type PackageRecord, packagesOf } from './archive/package-record.ts';
import { wantedFiles } from './archive/print-uris.ts';
import { parseRelease } from './archive/release.ts';
import { requiredPackages, withDependencies } from './archive/resolve.ts';
import { type ByteSource, collect } from './byte-reader.ts';
import { debEntries, repackDeb } from './deb.ts';
import { compressionByName, decompress } from './decompress.ts';
import { refuse } from './failure.ts';
import { plainKernel } from './kernel-image.ts';
import { moduleDependencies } from './kernel-module.ts';
import { unverifiedText, verifyClearSigned } from './openpgp/clear-signed.ts';
import { type SigningKey, signingKeys } from './openpgp/keyring.ts';

type Answers = AsyncGenerator<FromBuilder, void, undefined>;

const MIB = 1024 * 1024;
const LIMITS = {
  keyring: 4 * MIB,
  release: 16 * MIB,
  index: 1024 * MIB,
  names: 16 * MIB,
  kernel: 256 * MIB,
  module: 64 * MIB,
  wanted: 16 * MIB,
};
/** What an entry of nothing takes of a tar archive. */
const TAR_BLOCK = 512;

/**
 * Carries out jobs, each the answers to one input; the keys and the index that one read are there for those after it.
 * Throws BuilderError for bad input.
 */
export function createWorkbench(): (job: BuilderJob, input: ByteSource) => Answers {
  let keys: readonly SigningKey[] = [];
  let index: PackageIndex | undefined;
  const theIndex = (): PackageIndex => index ?? refuse('not-found', 'No index was read');

  return async function* carryOut(job, input) {
    switch (job.kind) {
      case 'keys':
        keys = signingKeys(await collect(input, LIMITS.keyring), new Set(job.pins));
        if (keys.length === 0) refuse('not-found', 'The keyring holds none of the known keys');
        return;
      case 'release': {
        const message = await collect(input, LIMITS.release);
        yield* releaseOf(job.verified ? verifyClearSigned(message, keys, job.now).text : unverifiedText(message), job);
        return;
      }
      case 'index':
        index = await readIndex(packagesOf(decompress(input, compressionByName(job.name), LIMITS.index)));
        return;
      case 'select':
        for (const record of select(theIndex(), job.selection, await linesOf(input)))
          yield { kind: 'package', ...essence(record) };
        return;
      case 'list':
        yield* listed(theIndex(), await linesOf(input));
        return;
      case 'entries':
        yield* entriesOf(input, job);
        return;
      case 'repack': {
        const parts = await repackDeb(input, job.limit);
        yield { kind: 'size', size: parts.reduce((size, { length }) => size + length, 0) };
        for (const part of parts) yield* output(part);
        return;
      }
      case 'module': {
        const plain = decompress(input, compressionByName(job.name), job.limit);
        const module = await collect(plain, LIMITS.module);
        yield { kind: 'module', size: module.length, depends: moduleDependencies(module) };
        yield* output(module);
        return;
      }
      case 'kernel': {
        const image = await plainKernel(await collect(input, LIMITS.kernel));
        yield { kind: 'size', size: image.length };
        yield* output(image);
        return;
      }
      case 'wanted':
        for (const { filename } of wantedFiles(await textOf(input, LIMITS.wanted), job.base))
          yield { kind: 'wanted', filename };
        return;
    }
  };
}

async function* releaseOf(text: string, { files }: { readonly files: readonly string[] }): Answers {
  const { origin, codename, version, date, validUntil, acquireByHash, files: all } = parseRelease(text);
  yield {
    kind: 'release',
    origin,
    codename,
    version: version ?? '',
    date,
    validUntil: validUntil ?? 0,
    acquireByHash,
  };
  for (const name of files) {
    const file = all.get(name);
    if (file !== undefined) yield { kind: 'file', name, ...file };
  }
}

function select(index: PackageIndex, selection: Selection, names: readonly string[]): readonly PackageRecord[] {
  switch (selection) {
    case 'named':
      return names.flatMap((name) => index.newest(name) ?? index.providers(name));
    case 'required':
      return requiredPackages(index);
    case 'dependencies':
      return withDependencies(index, names);
    case 'kernel':
      return kernelPackages(index);
    case 'files':
      return names.flatMap((name) => index.byFilename(name) ?? []);
  }
}

/** What leaves the builder of a package. */
function essence({ name, version, architecture, filename, size, sha256 }: PackageRecord) {
  return { name, version, architecture, filename, size, sha256 };
}

async function* listed(index: PackageIndex, lines: readonly string[]): Answers {
  const words = lines.map((line) => line.split(' '));
  const roots = words.flatMap(([name, size]) => (size === undefined ? [name!] : []));
  const repacked = new Map(
    words.flatMap(([name, size, sha256]) =>
      size === undefined ? [] : [[name!, { size: Number(size), sha256: sha256 ?? '' }] as const],
    ),
  );
  for (const stanza of aptList(reachablePackages(index, roots), repacked)) yield* output(Buffer.from(stanza));
}

async function* entriesOf(deb: ByteSource, job: { readonly limit: number; readonly names: string }): Answers {
  const names = new RegExp(job.names);
  let room = job.limit;
  for await (const { header, content } of debEntries(deb, job.limit)) {
    // What it says that it has, before what it has: nobody is to begin with a file that cannot end.
    room -= TAR_BLOCK + header.size;
    if (room < 0) refuse('too-large', `The package unpacks to more than ${job.limit} bytes`);
    if (!names.test(header.name)) continue;
    yield { kind: 'entry', ...withinUstar(header) };
    for await (const chunk of content) yield* output(chunk);
  }
}

/** Numbers that no ustar header holds occur in no package of Debian's. */
function withinUstar(header: TarHeader): TarHeader {
  const { uid, gid, major, minor, size, mtime, name } = header;
  const fits = [uid, gid, major, minor].every((value) => value < 8 ** 7) && size < 8 ** 11 && mtime < 8 ** 11;
  return fits ? header : refuse('unsupported', `The tar entry "${name.slice(0, 100)}" has a number out of range`);
}

function* output(bytes: Uint8Array): Generator<FromBuilder, void, undefined> {
  for (let at = 0; at < bytes.length; at += PIECE_BYTES_MAX)
    yield { kind: 'output', bytes: bytes.subarray(at, at + PIECE_BYTES_MAX) };
}

async function textOf(input: ByteSource, limit: number): Promise<string> {
  return Buffer.from(await collect(input, limit)).toString('utf8');
}

async function linesOf(input: ByteSource): Promise<readonly string[]> {
  return (await textOf(input, LIMITS.names)).split('\n').filter((line) => line !== '');
}
