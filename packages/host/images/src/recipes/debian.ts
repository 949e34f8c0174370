import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type PackageIndex, withDependencies } from '../archive/package-index.ts';
import type { BuildContext } from '../builder/builder.ts';
import type { PackageRecord } from '../builder/package-record.ts';
import { downloadAll } from '../download-all.ts';
import { failFile } from '../failure.ts';
import type { ProgressSink } from '../progress.ts';
import { writeHashTree } from '../store/hash-tree-file.ts';
import { ROOT_TREE, type RootDiskEntry } from '../store/manifest.ts';
import { runBuild, type StartVirtualMachine } from './build-machine.ts';
import { debianScript } from './debian-script.ts';
import { type GuestParts, initramfsOf } from './guest-parts.ts';
import { writeScratchDisk } from './scratch-disk.ts';

/** Size of a root disk: room for a guest's work; what is not written takes no space on the host. */
export const ROOT_DISK_BYTES = 4 * 1024 * 1024 * 1024;
const BUILD_MEMORY_BYTES = 1024 * 1024 * 1024;

/** What the scratch root must hold: dpkg with what it and the packages' preinst scripts call, and mke2fs. */
const SCRATCH_ROOTS = [
  'dpkg',
  'tar',
  'dash',
  'coreutils',
  'sed',
  'grep',
  'findutils',
  'diffutils',
  'debianutils',
  'e2fsprogs',
  'libc-bin',
  'base-files',
];

/**
 * Stands for debconf in the scratch root: a preinst that sources it has nothing to ask on a first installation, and the
 * real one would need perl there.
 */
const NO_DEBCONF = [
  'beginblock',
  'capb',
  'clear',
  'endblock',
  'fget',
  'fset',
  'get',
  'go',
  'info',
  'input',
  'metaget',
  'progress',
  'purge',
  'register',
  'reset',
  'set',
  'settitle',
  'stop',
  'subst',
  'title',
  'unregister',
  'version',
]
  .map((name) => `db_${name}() { RET=; return 0; }\n`)
  .join('');

export interface DebianBuild {
  readonly context: BuildContext;
  readonly index: PackageIndex;
  readonly suite: string;
  /** Seconds since 1970: the time of the release, and of everything in the image that no package gives a time. */
  readonly epoch: number;
  readonly parts: GuestParts;
  readonly startVirtualMachine: StartVirtualMachine;
  readonly progress: ProgressSink | undefined;
  readonly startedAt: number;
  /** Where work files may lie. */
  readonly directory: string;
}

/** Debian's minimal system with apt: all that is essential or required, apt, and what they depend on. */
export async function debianPackages(index: PackageIndex): Promise<PackageRecord[]> {
  const required = await index.select('required');
  return withDependencies(index, [...required.map(({ name }) => name), 'apt']);
}

/** Makes the root disk `path`, and its hash tree beside it. Throws as `downloadAll`, `writeScratchDisk`, `runBuild`. Nothing but the two is left. */
export async function buildDebian(
  build: DebianBuild,
  path: string,
): Promise<{ disk: RootDiskEntry; packages: readonly PackageRecord[] }> {
  const { context, index, progress, startedAt } = build;
  const packages = await debianPackages(index);
  const scratchRoot = await withDependencies(index, SCRATCH_ROOTS);
  const all = [...new Map([...packages, ...scratchRoot].map((record) => [record.name, record])).values()];
  const files = await downloadAll(context, all, progress, startedAt);
  progress?.({ kind: 'step', text: 'preparing the build', seconds: (Date.now() - startedAt) / 1000 });
  const scratch = join(build.directory, 'scratch.img');
  const file = ({ name }: PackageRecord) => ({ name, path: files.get(name)! });
  // base-files first: it brings the links /bin, /lib, /sbin that the others' files go through.
  const ordered = scratchRoot.toSorted((a, b) => Number(b.name === 'base-files') - Number(a.name === 'base-files'));
  await writeScratchDisk(context, scratch, {
    unpacked: ordered.map(file),
    directories: ['debs'],
    debs: packages.map((record) => ({ ...file(record), target: `debs/${record.name}.deb` })),
    files: async () => [{ name: 'usr/share/debconf/confmodule', content: Buffer.from(NO_DEBCONF) }],
  });
  await makeBlankDisk(path);
  await runBuild({
    startVirtualMachine: build.startVirtualMachine,
    kernel: build.parts.kernel.image,
    initrd: initramfsOf(build.parts),
    disks: [
      { path, writes: 'direct-unsafe' },
      { path: scratch, readOnly: true, writes: 'discard' },
    ],
    memoryBytes: BUILD_MEMORY_BYTES,
    script: debianScript(build.epoch, build.suite),
    progress,
    startedAt,
    signal: context.signal,
  });
  await rm(scratch, { force: true });
  const rootHash = await writeHashTree(path, join(build.directory, ROOT_TREE));
  return { disk: { size: ROOT_DISK_BYTES, rootHash }, packages };
}

/** A disk of nothing but a hole. */
export async function makeBlankDisk(path: string): Promise<void> {
  const file = await open(path, 'wx', 0o600).catch((error) => failFile(path, error));
  try {
    await file.truncate(ROOT_DISK_BYTES).catch((error) => failFile(path, error));
  } finally {
    await file.close();
  }
}
