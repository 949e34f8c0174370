import type { Disk } from './disk.ts';
import type { FileAccess } from './file-access.ts';

/** A raw file written in place. Node punches no holes, so a discard gives nothing back. */
export function createDirectDisk(
  { readAt, writeAt, sync }: FileAccess,
  descriptor: number,
  bytes: number,
  { readOnly, durable }: { readonly readOnly: boolean; readonly durable: boolean },
): Disk {
  return {
    bytes,
    readOnly,
    read: (offset, length) => readAt(descriptor, offset, length),
    write: (offset, data) => writeAt(descriptor, offset, data),
    flush: () => (durable && !readOnly ? sync(descriptor) : Promise.resolve()),
    discard: () => Promise.resolve(),
  };
}
