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

export const linkOf = (...ends: Socket[]): Capability => ({
  ...{ ends, stores: [], area: [], builds: {}, debug: false, machine: {} },
});

export function closeCapability({ ends, stores, area }: Capability): void {
  for (const end of ends) end.destroy();
  for (const file of [...stores, ...area]) closeSync(file);
}

/** A regular file's descriptor. Opens without waiting: a pipe that nobody writes to would keep the launcher. */
export function openFile(path: string, write: boolean): number {
  const descriptor = openSync(path, (write ? constants.O_RDWR : constants.O_RDONLY) | (constants.O_NONBLOCK ?? 0));
  const found = fstatSync(descriptor);
  if (found.isFile()) return descriptor;
  closeSync(descriptor);
  throw Object.assign(new Error(`"${path}" is no file`), { code: found.isDirectory() ? 'EISDIR' : 'ENXIO' });
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
