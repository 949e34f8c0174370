import { randomUUID } from 'node:crypto';
import { closeSync, constants, fstatSync, openSync, unlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BLOCK_BYTES, hashTreeLayout, SEALED_BLOCK_BYTES, SECTOR_BYTES } from '@cloister/protocol';
import type { DiskConfig } from './virtual-machine.ts';

/** What storage gets for each file (`Store` of `@cloister/storage`). */
export interface OpenStore {
  readonly descriptor: number;
  readonly bytes: number;
  readonly growable: boolean;
  readonly writable: boolean;
  readonly durable: boolean;
}

/** What the gate must know of a disk (the block form of the monitor's `DeviceConfig`). */
export interface OpenDisk {
  readonly sectors: number;
  readonly readOnly: boolean;
  readonly backing:
    | { readonly kind: 'raw'; readonly store: number }
    | {
        readonly kind: 'overlay';
        readonly base: number;
        readonly tree: { readonly store: number; readonly rootHash: string } | 'unverified';
        readonly overlay: number;
      };
}

/** The disks of a VM, opened: a backing names a store by its place in the list. */
export interface OpenDisks {
  readonly stores: readonly OpenStore[];
  readonly disks: readonly OpenDisk[];
}

/**
 * Opens the disks of a configuration; none stays open if one fails.
 * @throws Error with one line: no such file, a directory, a read-only file, a length that is no multiple of 512 (4096 under
 * an overlay), a hash tree of another length than the disk's
 */
export function openDisks(configs: readonly DiskConfig[]): OpenDisks {
  const stores: OpenStore[] = [];
  try {
    const disks = configs.map((config) => openDisk(config, stores));
    return { stores, disks };
  } catch (error) {
    closeDisks({ stores });
    throw error;
  }
}

export function closeDisks({ stores }: Pick<OpenDisks, 'stores'>): void {
  for (const { descriptor } of stores) closeSync(descriptor);
}

function openDisk({ path, readOnly = false, writes, tree }: DiskConfig, stores: OpenStore[]): OpenDisk {
  const overlaid = !readOnly && writes === 'discard';
  const writable = !readOnly && !overlaid;
  const add = (descriptor: number, rest: Partial<OpenStore> = {}): number =>
    stores.push({ descriptor, bytes: 0, growable: false, writable: false, durable: false, ...rest }) - 1;
  const addFile = (what: string, file: string, inPlace: boolean): number => {
    const descriptor = openFile(what, file, inPlace);
    const store = add(descriptor, { writable: inPlace, durable: inPlace && writes === 'direct' });
    const found = fstatSync(descriptor);
    if (found.isDirectory()) throw new Error(`The ${what} "${file}" is a directory`);
    if (!found.isFile()) throw new Error(`The ${what} "${file}" is not a regular file`);
    stores[store] = { ...stores[store]!, bytes: found.size };
    return store;
  };
  const base = addFile('disk', path, writable);
  const { bytes } = stores[base]!;
  const unit = overlaid ? BLOCK_BYTES : SECTOR_BYTES;
  if (bytes === 0 || bytes % unit !== 0)
    throw new Error(`The disk "${path}" has ${bytes} bytes, no multiple of ${unit}`);
  const sectors = bytes / SECTOR_BYTES;
  if (!overlaid) return { sectors, readOnly, backing: { kind: 'raw', store: base } };
  const blocks = bytes / BLOCK_BYTES;
  let checked: { store: number; rootHash: string } | undefined;
  if (tree !== undefined) {
    checked = { store: addFile('hash tree', tree.path, false), rootHash: tree.rootHash };
    if (stores[checked.store]!.bytes !== hashTreeLayout(blocks).blocks * BLOCK_BYTES)
      throw new Error(`The hash tree "${tree.path}" is none of the disk "${path}"`);
  }
  const overlay = add(openOverlay(), { bytes: blocks * SEALED_BLOCK_BYTES, growable: true, writable: true });
  return { sectors, readOnly, backing: { kind: 'overlay', base, tree: checked ?? 'unverified', overlay } };
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EISDIR: 'it is a directory',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EROFS: 'it lies on a read-only file system',
};

/** Opens without waiting: a pipe that nobody writes to would keep the launcher. */
function openFile(what: string, path: string, inPlace: boolean): number {
  try {
    return openSync(path, (inPlace ? constants.O_RDWR : constants.O_RDONLY) | (constants.O_NONBLOCK ?? 0));
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? 'unknown error';
    throw new Error(
      `The ${what} "${path}" cannot be opened${inPlace ? ' for writing' : ''}: ${REASONS[code] ?? code}`,
      {
        cause,
      },
    );
  }
}

/** A file without a name: it goes with its last descriptor, also when this process is killed. */
function openOverlay(): number {
  const path = join(tmpdir(), `cloister-overlay-${randomUUID()}`);
  const descriptor = openSync(path, 'wx+', 0o600);
  unlinkSync(path);
  return descriptor;
}
