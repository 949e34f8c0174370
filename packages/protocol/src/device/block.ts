/** Payload bytes of one block request at the most; the gate splits what a guest asks for. */
export const BLOCK_PAYLOAD_BYTES_MAX = 128 * 1024;

/** The unit of `sector` and `sectors` in bytes (virtio 1.2 §5.2.4). */
export const SECTOR_BYTES = 512;

export const BLOCK_OPERATIONS = ['read', 'write', 'flush', 'discard'] as const;
export type BlockOperation = (typeof BLOCK_OPERATIONS)[number];

/**
 * One request on disk `disk` of a VM. `id` is the asker's, unused by any other of its requests under way. A write has
 * `bytes` and `sectors` sectors of them; a read and a discard have no bytes; a flush has no sectors either.
 */
export const BLOCK_REQUEST = {
  'block.request': {
    code: 0x40,
    fields: {
      disk: 'u16',
      id: 'u32',
      operation: { oneOf: BLOCK_OPERATIONS },
      sector: 'size',
      sectors: 'u32',
      bytes: 'bytes',
    },
  },
} as const;

/** `bytes` is what a successful read read, else empty. */
export const BLOCK_REPLY = {
  'block.reply': { code: 0x41, fields: { disk: 'u16', id: 'u32', ok: 'bool', bytes: 'bytes' } },
} as const;
