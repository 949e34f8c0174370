import { join } from 'node:path';
import { readIfThere } from '../cache.ts';
import { fail } from '../failure.ts';

/**
 * What an image is made of. `manifest.json` in its directory; `schema` grows when an older Cloister could misread it: 1 had
 * root disks without a hash tree.
 */
export interface ImageManifest {
  readonly schema: 1 | 2;
  readonly name: string;
  /** Debian's codename, and its release's version where it has one, and date (ISO 8601). */
  readonly suite: string;
  readonly release: { readonly version: string | null; readonly date: string };
  /** Suites that came first and could not be used, with the reason. */
  readonly passedOver: readonly { readonly suite: string; readonly reason: string }[];
  /** The release was past its Valid-Until when it was used. */
  readonly expired: boolean;
  /** For an image made by `build`: what from, and which packages were asked for. */
  readonly from: string | null;
  readonly added: readonly string[];
  readonly packages: readonly PackageEntry[];
  readonly kernel: FileEntry;
  readonly initrd: FileEntry;
  readonly rootDisk: RootDiskEntry | null;
  readonly commandLine: string;
  /** Which guest parts (kernel, busybox, modules) the initrd is made from, and of which init. */
  readonly guestParts: string;
  readonly initVersion: string;
}

export interface PackageEntry {
  readonly name: string;
  readonly version: string;
  readonly sha256: string;
}

export interface FileEntry {
  readonly size: number;
  readonly sha256: string;
}

/** `rootHash` is that of the hash tree in `ROOT_TREE`; in schema 1 there was `digest` alone (`disk-digest.ts`). */
export interface RootDiskEntry {
  readonly size: number;
  readonly rootHash?: string;
  readonly digest?: string;
}

export const MANIFEST = 'manifest.json';
export const KERNEL = 'kernel';
export const INITRD = 'initrd';
export const ROOT_DISK = 'root.img';
export const ROOT_TREE = 'root.tree';

/** Reads an image's manifest; `undefined` where there is no image. Throws `damaged-image` or `newer-image`. */
export async function readManifest(directory: string, name: string): Promise<ImageManifest | undefined> {
  const bytes = await readIfThere(join(directory, MANIFEST));
  if (bytes === undefined) return undefined;
  let value: Partial<ImageManifest> | null;
  try {
    value = JSON.parse(bytes.toString('utf8')) as Partial<ImageManifest> | null;
  } catch (error) {
    fail('damaged-image', `The manifest of the image "${name}" cannot be read`, error);
  }
  if (typeof value?.schema === 'number' && value.schema > 2)
    fail('newer-image', `The image "${name}" was made by a newer Cloister`);
  const sound =
    (value?.schema === 1 || value?.schema === 2) &&
    typeof value.commandLine === 'string' &&
    typeof value.initVersion === 'string' &&
    Array.isArray(value.packages);
  if (!sound || value?.kernel === undefined || value.initrd === undefined || value.rootDisk === undefined) {
    fail('damaged-image', `The manifest of the image "${name}" is damaged`);
  }
  return value as ImageManifest;
}
