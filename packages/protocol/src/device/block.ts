import { BLOCK_BYTES, SEALED_BLOCK_BYTES } from '../formats/sealed-block.ts';

/** Bytes of a disk that one block request moves at the most; the gate splits what a guest asks for. */
export const BLOCK_PAYLOAD_BYTES_MAX = 128 * 1024;

/** The same as bytes of a store, where each block may have its tag. */
export const STORE_PAYLOAD_BYTES_MAX = (BLOCK_PAYLOAD_BYTES_MAX / BLOCK_BYTES) * SEALED_BLOCK_BYTES;

/**
 * The payload area of a VM: memory that its machine and storage share, and nobody else; messages say where in it. The
 * machine divides it into places, each for one payload and a block of the hash tree that it is checked against.
 */
export const PAYLOAD_PLACE_BYTES = BLOCK_PAYLOAD_BYTES_MAX + BLOCK_BYTES;
export const PAYLOAD_PLACES = 64;
export const PAYLOAD_AREA_BYTES = PAYLOAD_PLACES * PAYLOAD_PLACE_BYTES;

/** The unit of a virtio disk's capacity and addresses (virtio 1.2 §5.2.4). */
export const SECTOR_BYTES = 512;

export const BLOCK_OPERATIONS = ['read', 'write', 'flush'] as const;
export type BlockOperation = (typeof BLOCK_OPERATIONS)[number];

/**
 * One request about store `store` of a VM: a numbered file, or part of what a disk is made of. `offset` and `length` are
 * bytes; a flush has none. `at` is where in the payload area the bytes of a write lie and those of a read shall lie: no
 * other request under way has the same, so it is the request's name, too.
 */
export const BLOCK_REQUEST = {
  'block.request': {
    code: 0x40,
    fields: { store: 'u16', at: 'u32', operation: { oneOf: BLOCK_OPERATIONS }, offset: 'size', length: 'u32' },
  },
} as const;

export const BLOCK_REPLY = {
  'block.reply': { code: 0x41, fields: { store: 'u16', at: 'u32', ok: 'bool' } },
} as const;

/** To the machine: storage was replaced, and what it had not answered is lost. `round` counts, from 1 for each slice. */
export const BLOCK_RESEND = { 'block.resend': { code: 0x42, fields: { round: 'u32' } } } as const;

/**
 * From the machine: all requests that were not answered follow, with the same places, where a write's bytes still lie.
 * Whoever was replaced or asked for it drops what came before, so that no request is carried out twice at once. `round`
 * is of the last `block.resend`, or 0 when the slice was replaced: another's round does not end the wait.
 */
export const BLOCK_RESENDING = { 'block.resending': { code: 0x43, fields: { round: 'u32' } } } as const;

/** What a slice reads for itself, from a file that its guest starts with; `id` is its own. */
export const FILE_READ = {
  'file.read': { code: 0x44, fields: { store: 'u16', id: 'u32', offset: 'size', length: 'u32' } },
} as const;

/** `bytes` is what was read, or empty. */
export const FILE_DATA = { 'file.data': { code: 0x45, fields: { id: 'u32', ok: 'bool', bytes: 'bytes' } } } as const;
