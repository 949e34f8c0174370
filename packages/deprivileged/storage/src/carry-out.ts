import { PAYLOAD_AREA_BYTES, STORE_PAYLOAD_BYTES_MAX, type ToStorage } from '@cloister/protocol';
import type { FileAccess } from './file-access.ts';
import type { Files } from './store.ts';

interface Place {
  readonly descriptor: number;
  readonly position: number;
}

/** What a request comes to once it was checked: from then on it can fail by the host's files alone. */
export type Task =
  /** Without `to` the asker gets the bytes themselves. What a growable file has not reads as zeros. */
  | { readonly from: Place; readonly to: Place | undefined; readonly length: number; readonly growable: boolean }
  /** Nothing is to be done where there is no descriptor. */
  | { readonly sync: number | undefined };
export type Move = Extract<Task, { from: Place }>;

/** The task, or undefined for a request that these files refuse. */
export function taskOf({ stores, area }: Files, request: ToStorage): Task | undefined {
  const { offset, length } = request;
  const store = stores[request.store];
  if (store === undefined || offset + length > store.bytes || length > STORE_PAYLOAD_BYTES_MAX) return undefined;
  const { descriptor, growable, writable, durable } = store;
  const there = { descriptor, position: offset };
  if (request.kind === 'file.read') return { from: there, to: undefined, length, growable };
  if (request.operation === 'flush') return { sync: durable ? descriptor : undefined };
  const here = { descriptor: area, position: request.at };
  if (request.at + length > PAYLOAD_AREA_BYTES) return undefined;
  if (request.operation === 'read') return { from: there, to: here, length, growable };
  return writable && length > 0 ? { from: here, to: there, length, growable: false } : undefined;
}

/** Whether all was moved; it is in `bytes`, too. */
export function moveNow(files: FileAccess, { from, to, growable }: Move, bytes: Uint8Array): boolean {
  if (!isWhole(bytes, files.readNow(from.descriptor, from.position, bytes), growable)) return false;
  if (to !== undefined) files.writeNow(to.descriptor, to.position, bytes);
  return true;
}

/** The same by threads. */
export async function moveLater(files: FileAccess, { from, to, growable }: Move, bytes: Uint8Array): Promise<boolean> {
  if (!isWhole(bytes, await files.readAt(from.descriptor, from.position, bytes), growable)) return false;
  if (to !== undefined) await files.writeAt(to.descriptor, to.position, bytes);
  return true;
}

function isWhole(bytes: Uint8Array, found: number, growable: boolean): boolean {
  if (found < bytes.length && !growable) return false;
  bytes.fill(0, found);
  return true;
}
