import { randomUUID } from 'node:crypto';
import { closeSync, constants, existsSync, fstatSync, ftruncateSync, openSync, unlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BLOCK_BYTES, PAYLOAD_AREA_BYTES, SEALED_BLOCK_BYTES } from '@cloister/protocol';
import type { StoreRequest } from '../control.ts';

/** An open file, to be handed to storage, and what storage may do with it. */
export interface OpenStore {
  readonly descriptor: number;
  /** Its length when it was opened, or the length that it may grow to. */
  readonly bytes: number;
  readonly growable: boolean;
  readonly writable: boolean;
  readonly durable: boolean;
}

/** Why a store cannot be one: the end of a sentence that begins with its path. */
export class StoreError extends Error {
  override readonly name = 'StoreError';
  /** Its place in the request. */
  readonly store: number;

  constructor(store: number, message: string, options?: ErrorOptions) {
    super(message, options);
    this.store = store;
  }
}

/** Opens all; none stays open if one fails. @throws StoreError */
export function openStores(requests: readonly StoreRequest[]): OpenStore[] {
  const open: OpenStore[] = [];
  try {
    requests.forEach((request, number) => {
      open.push(openStore(request, number, open));
    });
    return open;
  } catch (error) {
    closeStores(open);
    throw error;
  }
}

export function closeStores(stores: readonly OpenStore[]): void {
  for (const { descriptor } of stores) closeSync(descriptor);
}

const MEMORY = '/dev/shm';

/** A VM's payload area: a file in memory, where the host has a file system for such. */
export function openPayloadArea(): number {
  const descriptor = openTemporary(join(existsSync(MEMORY) ? MEMORY : tmpdir(), 'cloister-payloads'));
  ftruncateSync(descriptor, PAYLOAD_AREA_BYTES);
  return descriptor;
}

function openStore(request: StoreRequest, number: number, before: readonly OpenStore[]): OpenStore {
  const { path, access, durable, over } = request;
  if (access === 'temporary') {
    const bytes = Math.ceil((before[over!]?.bytes ?? 0) / BLOCK_BYTES) * SEALED_BLOCK_BYTES;
    return {
      descriptor: openTemporary(join(tmpdir(), 'cloister-overlay')),
      bytes,
      growable: true,
      writable: true,
      durable,
    };
  }
  const descriptor = openFile(path, access === 'write', number);
  const found = fstatSync(descriptor);
  if (found.isFile()) return { descriptor, bytes: found.size, growable: false, writable: access === 'write', durable };
  closeSync(descriptor);
  throw new StoreError(number, found.isDirectory() ? 'is a directory' : 'is not a regular file');
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EROFS: 'it lies on a read-only file system',
};

/** Opens without waiting: a pipe that nobody writes to would keep the launcher. */
function openFile(path: string, write: boolean, number: number): number {
  try {
    return openSync(path, (write ? constants.O_RDWR : constants.O_RDONLY) | (constants.O_NONBLOCK ?? 0));
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? 'unknown error';
    if (code === 'EISDIR') throw new StoreError(number, 'is a directory', { cause });
    const text = `cannot be opened${write ? ' for writing' : ''}: ${REASONS[code] ?? code}`;
    throw new StoreError(number, text, { cause });
  }
}

/** A file without a name: it goes with its last descriptor, also when this process is killed. */
function openTemporary(prefix: string): number {
  const path = `${prefix}-${randomUUID()}`;
  const descriptor = openSync(path, 'wx+', 0o600);
  unlinkSync(path);
  return descriptor;
}
