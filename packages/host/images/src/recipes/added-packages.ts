import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { DiskConfig } from '@cloister/launcher';
import { PACKAGE_FORMS } from '@cloister/protocol';
import { type PackageIndex, withDependencies } from '../archive/package-index.ts';
import { type BuildContext, withBuilder } from '../builder/builder.ts';
import type { PackageRecord } from '../builder/package-record.ts';
import { Refusal } from '../builder/refusal.ts';
import { downloadAll } from '../download-all.ts';
import { fail } from '../failure.ts';
import { printable } from '../printable.ts';
import type { ProgressSink } from '../progress.ts';
import { writeHashTree } from '../store/hash-tree-file.ts';
import { ROOT_TREE, type RootDiskEntry } from '../store/manifest.ts';
import { GUEST_MIRROR, guestListName, installScript, resolveScript } from './added-packages-script.ts';
import { runBuild, type StartVirtualMachine } from './build-machine.ts';
import { makeBlankDisk, ROOT_DISK_BYTES } from './debian.ts';
import { writeScratchDisk } from './scratch-disk.ts';

/** The image to extend, as files. */
export interface BaseImage {
  readonly kernel: string;
  readonly initrd: string;
  readonly rootDisk: DiskConfig;
  /** Names of the packages it has. */
  readonly packages: readonly string[];
}

export interface AddPackages {
  readonly context: BuildContext;
  readonly index: PackageIndex;
  readonly suite: string;
  readonly epoch: number;
  readonly base: BaseImage;
  readonly packages: readonly string[];
  readonly startVirtualMachine: StartVirtualMachine;
  readonly progress: ProgressSink | undefined;
  readonly startedAt: number;
  readonly directory: string;
}

const BUILD_MEMORY_BYTES = 1024 * 1024 * 1024;

/**
 * Makes the root disk `path` and its hash tree from another image's with more packages: the guest's apt resolves over the verified index,
 * the host downloads and verifies, the guest installs and lays out. Throws `missing-package`, `build-failed`, and as
 * `downloadAll` and `writeScratchDisk`.
 */
export async function addPackages(
  add: AddPackages,
  path: string,
): Promise<{ disk: RootDiskEntry; packages: readonly PackageRecord[] }> {
  const { context, index, progress, startedAt, directory, base } = add;
  for (const name of add.packages) {
    // Names stand in the guest's script: nothing but a package's name may pass.
    const known = PACKAGE_FORMS.name.test(name) && (await index.select('named', [name])).length > 0;
    if (!known) fail('missing-package', `The suite "${add.suite}" has no package "${name.slice(0, 80)}"`);
  }
  const roots = [...add.packages, ...base.packages];
  const available = await index.list(roots);
  const machine = {
    startVirtualMachine: add.startVirtualMachine,
    kernel: await readFile(base.kernel),
    initrd: await readFile(base.initrd),
    memoryBytes: BUILD_MEMORY_BYTES,
    progress,
    startedAt,
    signal: context.signal,
  };
  const listName = guestListName(add.suite);
  const resolving = join(directory, 'resolve.img');
  await writeScratchDisk(context, resolving, {
    unpacked: [],
    directories: ['lists'],
    debs: [],
    files: async () => [{ name: `lists/${listName}`, content: available }],
  });
  const output = await runBuild({
    ...machine,
    append: 'cloister.root=/dev/vda',
    disks: [base.rootDisk, { path: resolving, readOnly: true, writes: 'discard' }],
    script: resolveScript(add.suite, add.packages),
  });
  await rm(resolving, { force: true });
  const added = await wantedRecords(context, index, output);
  const tools = await withDependencies(index, ['base-files', 'e2fsprogs']);
  const all = [...new Map([...added, ...tools].map((record) => [record.name, record])).values()];
  const files = await downloadAll(context, all, progress, startedAt);
  progress?.({ kind: 'step', text: 'preparing the build', seconds: (Date.now() - startedAt) / 1000 });
  const file = ({ name }: PackageRecord) => ({ name, path: files.get(name)! });
  const installing = join(directory, 'install.img');
  await writeScratchDisk(context, installing, {
    unpacked: tools.map(file),
    directories: ['build', 'build/archives', 'build/lists'],
    debs: added.map((record) => ({ ...file(record), target: `build/archives/${archiveName(record)}` })),
    files: async (repacked) => {
      const lines = [...repacked].map(([name, { size, sha256 }]) => `${name} ${size} ${sha256}`);
      return [{ name: `build/lists/${listName}`, content: await index.list([...roots, ...lines]) }];
    },
  });
  await makeBlankDisk(path);
  await runBuild({
    ...machine,
    disks: [{ path, writes: 'direct-unsafe' }, base.rootDisk, { path: installing, readOnly: true, writes: 'discard' }],
    script: installScript(add.epoch, add.suite, add.packages),
  });
  await rm(installing, { force: true });
  const rootHash = await writeHashTree(path, join(directory, ROOT_TREE));
  return { disk: { size: ROOT_DISK_BYTES, rootHash }, packages: added };
}

/** What apt wants, each looked up in the verified index: the guest only names files. */
async function wantedRecords(context: BuildContext, index: PackageIndex, output: string): Promise<PackageRecord[]> {
  const wanted = await withBuilder(context, 'what apt wants', (builder) => builder.wanted(output, GUEST_MIRROR)).catch(
    (error) => {
      if (error instanceof Refusal)
        fail('build-failed', `What apt wants cannot be read (${error.message.toLowerCase()})`, error);
      throw error;
    },
  );
  const found = new Map(
    (
      await index.select(
        'files',
        wanted.filter((filename) => PACKAGE_FORMS.filename.test(filename)),
      )
    ).map((record) => [record.filename, record]),
  );
  return wanted.map(
    (filename) =>
      found.get(filename) ?? fail('build-failed', `apt wants "${printable(filename)}", which the suite does not have`),
  );
}

/** The name that apt gives a package in its archive directory: `:` of an epoch escaped. */
function archiveName({ name, version, architecture }: PackageRecord): string {
  return `${name}_${version.replaceAll(':', '%3a')}_${architecture}.deb`;
}
