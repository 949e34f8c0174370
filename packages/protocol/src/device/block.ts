import { BLOCK_BYTES, SEALED_BLOCK_BYTES } from '../formats/sealed-block.ts';

/** Bytes of a disk that one block request moves at the most; the gate splits what a guest asks for. */
export const BLOCK_PAYLOAD_BYTES_MAX = 128 * 1024;

/** The same as bytes of a store, where each block may have its tag. */
export const STORE_PAYLOAD_BYTES_MAX = (BLOCK_PAYLOAD_BYTES_MAX / BLOCK_BYTES) * SEALED_BLOCK_BYTES;

/** The unit of a virtio disk's capacity and addresses (virtio 1.2 §5.2.4). */
export const SECTOR_BYTES = 512;

export const BLOCK_OPERATIONS = ['read', 'write', 'flush'] as const;
export type BlockOperation = (typeof BLOCK_OPERATIONS)[number];

/**
 * One request about store `store` of a VM: a numbered file, or part of what a disk is made of. `id` is the asker's, unused
 * by any other of its requests under way. `offset` and `length` are bytes; a write has `length` bytes, a read and a flush
 * have none, a flush has no length either.
 */
export const BLOCK_REQUEST = {
  'block.request': {
    code: 0x40,
    fields: {
      store: 'u16',
      id: 'u32',
      operation: { oneOf: BLOCK_OPERATIONS },
      offset: 'size',
      length: 'u32',
      bytes: 'bytes',
    },
  },
} as const;

/** `bytes` is what a successful read read, else empty. */
export const BLOCK_REPLY = {
  'block.reply': { code: 0x41, fields: { store: 'u16', id: 'u32', ok: 'bool', bytes: 'bytes' } },
} as const;

/** To the machine: storage was replaced, and what it had not answered is lost. `round` counts, from 1 for each slice. */
export const BLOCK_RESEND = { 'block.resend': { code: 0x42, fields: { round: 'u32' } } } as const;

/**
 * From the machine: all requests that were not answered follow, with the same numbers and bytes. Whoever was replaced or
 * asked for it drops what came before, so that no request is carried out twice at once. `round` is of the last
 * `block.resend`, or 0 when the slice was replaced: another's round does not end the wait.
 */
export const BLOCK_RESENDING = { 'block.resending': { code: 0x43, fields: { round: 'u32' } } } as const;
