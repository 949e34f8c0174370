import type { BuildContext, Builder } from '../builder/builder.ts';
import { openBuilder } from '../builder/builder.ts';
import { Refusal } from '../builder/refusal.ts';
import type { Release } from '../builder/release.ts';
import { download } from '../download.ts';
import { fail, ImageError } from '../failure.ts';

/** The packages of one suite for riscv64, in the builder that read them. */
export type PackageIndex = Pick<Builder, 'select' | 'list'>;

const DIRECTORY = 'main/binary-riscv64';
const NAMES = ['Packages.xz', 'Packages.gz'];
/** The files of a release that are ever asked for. */
export const INDEX_FILES: readonly string[] = NAMES.map((name) => `${DIRECTORY}/${name}`);

/** The index that is open, if one is: finding the keyring and then resolving need the same one. */
export interface OpenIndex {
  /** Opens a downloaded index, which ends the one before. */
  read(context: BuildContext, file: string, name: string): Promise<PackageIndex>;
  end(): void;
}

export function createOpenIndex(): OpenIndex {
  // By its file, which is named by content.
  let open: { readonly file: string; readonly builder: Builder } | undefined;
  const end = (): void => {
    open?.builder.end();
    open = undefined;
  };
  return {
    async read(context, file, name) {
      if (open?.file === file) return open.builder;
      end();
      const builder = await openBuilder(context, "the mirror's index");
      try {
        await builder.index(file, name);
      } catch (error) {
        builder.end();
        if (error instanceof Refusal)
          fail('mirror-incomplete', `The mirror's index cannot be read (${error.message.toLowerCase()})`, error);
        throw error;
      }
      open = { file, builder };
      return builder;
    },
    end,
  };
}

/**
 * Downloads the index that a release names, by hash where the release says so (DebianRepository/Format, "Acquire-By-Hash"),
 * and has it read. An index that does not match the release is never used: `mirror-incomplete`.
 */
export async function loadIndex(
  context: BuildContext,
  index: OpenIndex,
  suite: string,
  release: Release,
): Promise<PackageIndex> {
  const name = NAMES.find((candidate) => release.files.has(`${DIRECTORY}/${candidate}`));
  if (name === undefined) fail('mirror-incomplete', `The suite "${suite}" has no packages for riscv64`);
  const { size, sha256 } = release.files.get(`${DIRECTORY}/${name}`)!;
  const paths = [
    ...(release.acquireByHash ? [`dists/${suite}/${DIRECTORY}/by-hash/SHA256/${sha256}`] : []),
    `dists/${suite}/${DIRECTORY}/${name}`,
  ];
  let reason: unknown;
  for (const path of paths) {
    try {
      return await index.read(context, await download(context, { path, size, sha256 }), name);
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

/** The newest package of each name, all of which there must be. Throws `missing-package`. */
export async function packagesNamed(index: PackageIndex, names: readonly string[]) {
  const found = new Map((await index.select('named', names)).map((record) => [record.name, record]));
  return names.map(
    (name) => found.get(name) ?? fail('missing-package', `The suite has no package "${name.slice(0, 80)}"`),
  );
}

/** Packages with all that they depend on, in a fixed order. Throws `missing-package`. */
export async function withDependencies(index: PackageIndex, names: readonly string[]) {
  try {
    return await index.select('dependencies', names);
  } catch (error) {
    if (error instanceof Refusal) fail('missing-package', error.message, error);
    throw error;
  }
}
