import type { Builder } from '../builder/builder.ts';
import { collect } from '../collect.ts';
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

/** Where packages have the kernel, and its modules. */
const IMAGE = /^(boot\/vmlinu[xz]-[^/]+|(usr\/)?lib\/modules\/[^/]+\/vmlinu[xz])$/;
const MODULE = /\/kernel\/(?:.*\/)?([A-Za-z0-9_-]+)\.ko(\.xz|\.gz|\.zst)?$/;

interface Module {
  readonly content: Uint8Array;
  readonly depends: readonly string[];
}

/** Reads the kernel out of its packages' files, keeping only what is needed. Throws `missing-kernel`, `Refusal`. */
export async function readKernel(builder: Builder, files: readonly string[]): Promise<Kernel> {
  let image: Uint8Array | undefined;
  const modules = new Map<string, Module>();
  const wanted = new Set<string>([...WANTED_MODULES, ...LIKELY_MODULES]);
  const names = new RegExp(`${IMAGE.source}|${MODULE.source}`);
  const tooLarge = (): never => fail('bad-package', 'The kernel package holds a kernel or a module that is too large');
  for (;;) {
    const packed = new Map<string, { name: string; content: Uint8Array }>();
    for (const file of files) {
      for await (const { header, content } of builder.entries(file, names, PACKAGE_LIMIT)) {
        if (header.type !== 'file') continue;
        if (image === undefined && IMAGE.test(header.name)) image = await collect(content, KERNEL_LIMIT, tooLarge);
        const module = MODULE.exec(header.name);
        if (module === null) continue;
        const name = moduleName(module[1]!);
        if (!wanted.has(name) || modules.has(name)) continue;
        packed.set(name, { name: header.name, content: await collect(content, MODULE_LIMIT, tooLarge) });
      }
    }
    if (image === undefined) fail('missing-kernel', 'The kernel package holds no kernel');
    for (const [name, { name: path, content }] of packed) {
      const module = await builder.module(content, path);
      modules.set(name, { content: module.content, depends: module.depends.map(moduleName) });
    }
    const missing = [...modules.values()]
      .flatMap(({ depends }) => depends)
      .filter((name) => !modules.has(name) && !wanted.has(name));
    if (missing.length === 0) return { image: await builder.kernel(image), modules: loadingOrder(modules) };
    for (const name of missing) wanted.add(name);
  }
}

/** Dashes and underscores are the same in a module's name. */
function moduleName(name: string): string {
  return name.replaceAll('-', '_');
}

/** Dependencies first. A wanted module that no package has is built into the kernel; so is a missing dependency of it. */
function loadingOrder(modules: ReadonlyMap<string, Module>): Kernel['modules'] {
  const out = new Map<string, Uint8Array>();
  const visit = (name: string, path: readonly string[]) => {
    const module = modules.get(name);
    if (module === undefined || out.has(name) || path.includes(name)) return;
    for (const dependency of module.depends) visit(dependency, [...path, name]);
    out.set(name, module.content);
  };
  for (const name of WANTED_MODULES) visit(name, []);
  return [...out].map(([name, content]) => ({ name, content }));
}
