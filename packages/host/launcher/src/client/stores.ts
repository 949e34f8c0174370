import { randomUUID } from 'node:crypto';
import { existsSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BLOCK_BYTES, PAYLOAD_AREA_BYTES, SEALED_BLOCK_BYTES } from '@cloister/protocol';
import { LaunchError } from './launch-error.ts';
import type { StorePlan, StoreRequest } from './plan-stores.ts';

/** A file to be opened, and what storage may do with it. */
export interface PreparedStore {
  readonly path: string;
  /** Its length, or the length that it may grow to. */
  readonly bytes: number;
  readonly growable: boolean;
  readonly writable: boolean;
  readonly durable: boolean;
}

export interface PreparedStores {
  readonly stores: readonly PreparedStore[];
  /** The path of the VM's payload area: a file in memory, where the host has a file system for such. */
  readonly area: string;
  /** Takes the names of overlays and area away: they go with their last descriptor, also when a process is killed. */
  unlink(): void;
}

const MEMORY = '/dev/shm';

/** Looks at the files of a plan, and makes those of overlays and the payload area. @throws LaunchError for a file that cannot be a store */
export function prepareStores({ requests, names }: StorePlan): PreparedStores {
  const stores: PreparedStore[] = [];
  const made: string[] = [];
  let area = '';
  const make = (prefix: string): string => {
    const path = `${prefix}-${randomUUID()}`;
    made.push(path);
    writeFileSync(path, '', { flag: 'wx', mode: 0o600 });
    return path;
  };
  const unlink = (): void => {
    for (const path of made) rmSync(path, { force: true });
  };
  try {
    requests.forEach((request, at) => {
      if (request.access === 'temporary') {
        stores.push(
          overlayOf(request, make(join(tmpdir(), 'cloister-overlay')), stores[request.over ?? at]?.bytes ?? 0),
        );
      } else stores.push(existing(request, names[at]!));
    });
    area = make(join(existsSync(MEMORY) ? MEMORY : tmpdir(), 'cloister-payloads'));
    truncateSync(area, PAYLOAD_AREA_BYTES);
  } catch (error) {
    unlink();
    throw error;
  }
  return { stores, area, unlink };
}

const overlayOf = ({ durable }: StoreRequest, path: string, over: number): PreparedStore => ({
  ...{ path, growable: true, writable: true, durable },
  bytes: Math.ceil(over / BLOCK_BYTES) * SEALED_BLOCK_BYTES,
});

function existing({ path, access, durable }: StoreRequest, name: string): PreparedStore {
  const writable = access === 'write';
  let code: string | undefined;
  try {
    const found = statSync(path);
    if (found.isFile()) return { path, bytes: found.size, growable: false, writable, durable };
    code = found.isDirectory() ? 'EISDIR' : 'ENXIO';
  } catch (cause) {
    code = (cause as NodeJS.ErrnoException).code;
  }
  throw storeError(name, writable, code ?? 'unknown error');
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EROFS: 'it lies on a read-only file system',
  EBUSY: 'a VM has it already',
};

/** Why a file cannot be a store, from the system's code. */
export function storeError(name: string, writable: boolean, code: string): LaunchError {
  if (code === 'EISDIR') return new LaunchError('file', `${name} is a directory`);
  if (code === 'ENXIO') return new LaunchError('file', `${name} is not a regular file`);
  return new LaunchError('file', `${name} cannot be opened${writable ? ' for writing' : ''}: ${REASONS[code] ?? code}`);
}
