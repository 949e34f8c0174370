import { createHash } from 'node:crypto';
import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';
import type { Socket } from 'node:net';

/** Code that was read and hashed; what runs is these bytes. */
export interface Code {
  readonly path: string;
  readonly bytes: Uint8Array;
  /** SHA-256 in hexadecimal. */
  readonly hash: string;
}

/** What the toolstack may have handed to compartments, under an id: a link, or what a client deposited. */
export interface Capability {
  readonly ends: readonly Socket[];
  readonly stores: readonly number[];
  /** None, or the one of a VM. */
  readonly area: readonly number[];
  /** By the name of the file that it stands for. */
  readonly builds: Readonly<Record<string, Code>>;
  readonly debug: boolean;
  readonly machine: object;
}

const NOTHING: Capability = { ends: [], stores: [], area: [], builds: {}, debug: false, machine: {} };
export const linkOf = (...ends: Socket[]): Capability => ({ ...NOTHING, ends });

export function closeCapability({ ends, stores, area }: Capability): void {
  for (const end of ends) end.destroy();
  [...stores, ...area].forEach(closeFile);
}

/** Device and inode of what is open for writing, by descriptor. */
const written = new Map<number, string>();

/**
 * A regular file's descriptor; one that is written to is nobody else's to write. Opens without waiting: a pipe that nobody
 * writes to would keep the launcher.
 */
export function openFile(path: string, write: boolean): number {
  const descriptor = openSync(path, (write ? constants.O_RDWR : constants.O_RDONLY) | (constants.O_NONBLOCK ?? 0));
  const found = fstatSync(descriptor);
  const key = `${found.dev} ${found.ino}`;
  const isTaken = write && [...written.values()].includes(key);
  if (found.isFile() && !isTaken) {
    if (write) written.set(descriptor, key);
    return descriptor;
  }
  closeSync(descriptor);
  throw Object.assign(new Error(path), { code: isTaken ? 'EBUSY' : found.isDirectory() ? 'EISDIR' : 'ENXIO' });
}

export function closeFile(descriptor: number): void {
  written.delete(descriptor);
  closeSync(descriptor);
}

/** @throws if it has not the hash that it must have */
export function readCode(path: string, hash?: string): Code {
  const descriptor = openFile(path, false);
  try {
    const bytes = readFileSync(descriptor);
    const found = createHash('sha256').update(bytes).digest('hex');
    if (hash !== undefined && found !== hash)
      throw new Error(`"${path}" is not what the manifest says: run npm run build`);
    return { path, bytes, hash: found };
  } finally {
    closeSync(descriptor);
  }
}
