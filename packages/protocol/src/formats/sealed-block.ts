/** Bytes of one block of a disk that is sealed or checked: what is encrypted, hashed and versioned at once. */
export const BLOCK_BYTES = 4096;

/** What lies after a sealed block's ciphertext: the tag of AES-256-GCM. */
export const BLOCK_TAG_BYTES = 16;

/** Sealed block n of an overlay's store lies at n times this. */
export const SEALED_BLOCK_BYTES = BLOCK_BYTES + BLOCK_TAG_BYTES;
