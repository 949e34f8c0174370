import type { NodeStore } from '../structures/node-store.ts';

/** Records in memory. */
export function memoryNodes(records: Uint8Array[] = []): NodeStore & { readonly records: Uint8Array[] } {
  return {
    records,
    get: (number) => records[number],
    put(number, record) {
      records[number] = record.slice();
    },
  };
}
