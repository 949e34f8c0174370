import { sha256 } from '@cloister/crypto';
import { BLOCK_BYTES, type BlockReply, type BlockRequest, HASHES_A_BLOCK, hashTreeLayout } from '@cloister/protocol';
import type { PayloadArea } from '../io-gate/device.ts';

/** Storage whose stores are in memory, honest: what a hostile one does is done to its stores and replies. */
export interface MemoryStorage {
  readonly stores: Map<number, Uint8Array>;
  answer(request: BlockRequest): BlockReply;
}

/** @param area where machine and storage leave each other payloads */
export function createMemoryStorage(stores: Iterable<readonly [number, Uint8Array]>, area: Uint8Array): MemoryStorage {
  const held = new Map(stores);
  return {
    stores: held,
    answer({ store, at, operation, offset, length }) {
      const contents = held.get(store)!;
      if (operation === 'write') contents.set(area.subarray(at, at + length), offset);
      if (operation === 'read') area.set(contents.subarray(offset, offset + length), at);
      return { kind: 'block.reply', store, at, ok: true };
    },
  };
}

/** What a machine does to its payload area, where that is in memory. */
export const payloadsIn = (area: Uint8Array): PayloadArea => ({
  read(at, into) {
    if (at + into.length > area.length) return false;
    into.set(area.subarray(at, at + into.length));
    return true;
  },
  write(at, bytes) {
    if (at + bytes.length > area.length) return false;
    area.set(bytes, at);
    return true;
  },
});

/** The tree's file and its root, made in the most direct way from the format's description. */
export function hashTreeOf(disk: Uint8Array): { readonly file: Uint8Array; readonly rootHash: string } {
  const { blocks, levels } = hashTreeLayout(disk.length / BLOCK_BYTES);
  const file = new Uint8Array(blocks * BLOCK_BYTES);
  const block = (of: Uint8Array, index: number): Uint8Array =>
    of.subarray(index * BLOCK_BYTES, (index + 1) * BLOCK_BYTES);
  let below = Array.from({ length: disk.length / BLOCK_BYTES }, (_, index) => sha256(block(disk, index)));
  for (const { first, count } of levels) {
    for (const [index, hash] of below.entries())
      block(file, first + Math.floor(index / HASHES_A_BLOCK)).set(hash, (index % HASHES_A_BLOCK) * hash.length);
    below = Array.from({ length: count }, (_, index) => sha256(block(file, first + index)));
  }
  return { file, rootHash: Buffer.from(below[0]!).toString('hex') };
}
