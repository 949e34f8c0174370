import { BLOCK_BYTES } from '@cloister/protocol';
import type { BlockSeal } from './block-seal.ts';

/** Blocks leave as they are: for a baseline that measures what sealing costs. No machine of its own process has it. */
export const NO_SEAL: BlockSeal = {
  bytes: BLOCK_BYTES,
  seal(plain, out) {
    out.set(plain);
    return 1;
  },
  open(_version, sealed, out) {
    out.set(sealed);
    return true;
  },
};
