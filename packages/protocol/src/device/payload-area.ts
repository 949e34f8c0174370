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
