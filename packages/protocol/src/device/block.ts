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
