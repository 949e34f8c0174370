import { createReadStream } from 'node:fs';
import {
  BuilderError,
  collect,
  compressionByName,
  debEntries,
  decompress,
  moduleDependencies,
  type PackageRecord,
  plainKernel,
  relationsOf,
  sourceOf,
} from '@cloister/builder';
import type { PackageIndex } from '../archive/package-index.ts';
import { fail } from '../failure.ts';

/** A kernel and the modules it needs to reach a root disk, uncompressed, in loading order. */
export interface Kernel {
  readonly image: Uint8Array;
  readonly modules: readonly { readonly name: string; readonly content: Uint8Array }[];
}

/**
 * What a guest needs beyond what Debian's kernel has built in, in this order: ext4 of Linux 6.12 asks for crc32c by its
 * algorithm's name, which is no dependency of a module's and which only modprobe could resolve.
 */
export const WANTED_MODULES = ['virtio_blk', 'crc32c_generic', 'ext4'] as const;
/** What those have needed so far; right or not, one pass over the big package then mostly suffices. */
const LIKELY_MODULES = ['jbd2', 'mbcache', 'crc16', 'libcrc32c', 'crc32c-cryptoapi'];

const PACKAGE_LIMIT = 2 * 1024 * 1024 * 1024;
const KERNEL_LIMIT = 256 * 1024 * 1024;
const MODULE_LIMIT = 64 * 1024 * 1024;

/**
 * The packages that hold Debian's current kernel and its modules, found from the metapackage by dependency: one big
 * `linux-image-VERSION` in trixie, a small one with `linux-binary-VERSION` and `linux-modules-VERSION` later.
 * Throws `missing-kernel`.
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
  if (found.size === 0) fail('missing-kernel', 'The suite has no kernel for riscv64');
  return [...found.values()];
}

/** Reads the kernel out of its packages' files, keeping only what is needed. Throws `missing-kernel` or `bad-package`. */
export async function readKernel(files: readonly string[]): Promise<Kernel> {
  try {
    let image: Uint8Array | undefined;
    const modules = new Map<string, Uint8Array>();
    const wanted = new Set<string>([...WANTED_MODULES, ...LIKELY_MODULES]);
    for (;;) {
      const packed = new Map<string, { name: string; content: Uint8Array }>();
      for (const file of files) {
        for await (const { header, content } of debEntries(createReadStream(file), PACKAGE_LIMIT)) {
          if (header.kind !== 'file') continue;
          if (
            image === undefined &&
            /^(boot\/vmlinu[xz]-[^/]+|(usr\/)?lib\/modules\/[^/]+\/vmlinu[xz])$/.test(header.name)
          ) {
            image = await collect(content, KERNEL_LIMIT);
          }
          const module = /\/kernel\/(?:.*\/)?([^/]+)\.ko(\.xz|\.gz|\.zst)?$/.exec(header.name);
          if (module === null) continue;
          const name = moduleName(module[1]!);
          if (!wanted.has(name) || modules.has(name)) continue;
          // Kept packed until the package has been read: only one xz stream can be decoded at a time.
          packed.set(name, { name: header.name, content: await collect(content, MODULE_LIMIT) });
        }
      }
      if (image === undefined) fail('missing-kernel', 'The kernel package holds no kernel');
      for (const [name, { name: path, content }] of packed) {
        modules.set(
          name,
          await collect(decompress(sourceOf(content), compressionByName(path), MODULE_LIMIT), MODULE_LIMIT),
        );
      }
      const missing = neededModules(modules).filter((name) => !modules.has(name) && !wanted.has(name));
      if (missing.length === 0) return { image: await plainKernel(image), modules: loadingOrder(modules) };
      for (const name of missing) wanted.add(name);
    }
  } catch (error) {
    if (error instanceof BuilderError)
      fail('bad-package', `The kernel package cannot be read (${error.message.toLowerCase()})`, error);
    throw error;
  }
}

/** Dashes and underscores are the same in a module's name. */
function moduleName(name: string): string {
  return name.replaceAll('-', '_');
}

function neededModules(modules: ReadonlyMap<string, Uint8Array>): string[] {
  return [...modules.values()].flatMap((module) => moduleDependencies(module).map(moduleName));
}

/** Dependencies first. A wanted module that no package has is built into the kernel; so is a missing dependency of it. */
function loadingOrder(modules: ReadonlyMap<string, Uint8Array>): Kernel['modules'] {
  const out = new Map<string, Uint8Array>();
  const visit = (name: string, path: readonly string[]) => {
    const content = modules.get(name);
    if (content === undefined || out.has(name) || path.includes(name)) return;
    for (const dependency of moduleDependencies(content).map(moduleName)) visit(dependency, [...path, name]);
    out.set(name, content);
  };
  for (const name of WANTED_MODULES) visit(name, []);
  return [...out].map(([name, content]) => ({ name, content }));
}
