import { type BlockRequest, STORE_PAYLOAD_BYTES_MAX } from '@cloister/protocol';
import type { FileAccess } from './file-access.ts';
import type { Store } from './store.ts';

const NOTHING = new Uint8Array(0);

/**
 * What was read, nothing for the other operations, or undefined for a request that this store refuses.
 * @param room for what is read; it may hold anything before
 */
export async function carryOut(
  files: FileAccess,
  store: Store | undefined,
  { operation, offset, length, bytes }: BlockRequest,
  room: Uint8Array,
): Promise<Uint8Array | undefined> {
  if (store === undefined || offset + length > store.bytes || length > STORE_PAYLOAD_BYTES_MAX) return undefined;
  const { descriptor, growable, writable, durable } = store;
  switch (operation) {
    case 'read': {
      const into = room.subarray(0, length);
      const found = await files.readAt(descriptor, offset, into);
      if (found < length && !growable) return undefined;
      return into.fill(0, found);
    }
    case 'write':
      if (!writable || length === 0 || bytes.length !== length) return undefined;
      await files.writeAt(descriptor, offset, bytes);
      return NOTHING;
    case 'flush':
      if (durable) await files.sync(descriptor);
      return NOTHING;
  }
}
