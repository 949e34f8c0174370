import { randomUUID } from 'node:crypto';
import { closeSync, constants, fstatSync, openSync, unlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DiskConfig } from './virtual-machine.ts';

/** A disk of a VM, opened: descriptors to hand to storage, and what the gate must know. */
export interface OpenDisk {
  readonly descriptor: number;
  readonly bytes: number;
  readonly writes: 'none' | 'overlay' | 'direct' | 'direct-unsafe';
  readonly overlay?: number;
}

export const SECTOR_BYTES = 512;

/**
 * Opens the disks of a configuration; none stays open if one fails.
 * @throws Error with one line: no such file, a directory, a read-only file, a length that is no multiple of 512
 */
export function openDisks(configs: readonly DiskConfig[]): OpenDisk[] {
  const open: OpenDisk[] = [];
  try {
    for (const config of configs) open.push(openDisk(config));
    return open;
  } catch (error) {
    closeDisks(open);
    throw error;
  }
}

export function closeDisks(disks: readonly OpenDisk[]): void {
  for (const { descriptor, overlay } of disks) {
    closeSync(descriptor);
    if (overlay !== undefined) closeSync(overlay);
  }
}

function openDisk({ path, readOnly = false, writes }: DiskConfig): OpenDisk {
  const descriptor = openFile(path, !readOnly && writes !== 'discard');
  try {
    const found = fstatSync(descriptor);
    if (found.isDirectory()) throw new Error(`The disk "${path}" is a directory`);
    if (!found.isFile()) throw new Error(`The disk "${path}" is not a regular file`);
    if (found.size === 0 || found.size % SECTOR_BYTES !== 0)
      throw new Error(`The disk "${path}" has ${found.size} bytes, no multiple of ${SECTOR_BYTES}`);
    if (readOnly) return { descriptor, bytes: found.size, writes: 'none' };
    if (writes !== 'discard') return { descriptor, bytes: found.size, writes };
    return { descriptor, bytes: found.size, writes: 'overlay', overlay: openOverlay() };
  } catch (error) {
    closeSync(descriptor);
    throw error;
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EISDIR: 'it is a directory',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EROFS: 'it lies on a read-only file system',
};

/** Opens without waiting: a pipe that nobody writes to would keep the launcher. */
function openFile(path: string, inPlace: boolean): number {
  try {
    return openSync(path, (inPlace ? constants.O_RDWR : constants.O_RDONLY) | (constants.O_NONBLOCK ?? 0));
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? 'unknown error';
    throw new Error(`The disk "${path}" cannot be opened${inPlace ? ' for writing' : ''}: ${REASONS[code] ?? code}`, {
      cause,
    });
  }
}

/** A file without a name: it goes with its last descriptor, also when this process is killed. */
function openOverlay(): number {
  const path = join(tmpdir(), `cloister-overlay-${randomUUID()}`);
  const descriptor = openSync(path, 'wx+', 0o600);
  unlinkSync(path);
  return descriptor;
}
