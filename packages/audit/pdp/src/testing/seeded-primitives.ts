import { createHash } from 'node:crypto';
import { nodePrimitives, type Primitives } from '@cloister/crypto';

/** Node's primitives with a generator that gives the same bytes for the same seed: SHA-256 in counter mode. */
export function seededPrimitives(seed: string): Primitives {
  let counter = 0;
  return {
    ...nodePrimitives,
    random(length) {
      const out = new Uint8Array(length);
      for (let at = 0; at < length; at += 32) {
        counter += 1;
        const block = createHash('sha256').update(`${seed} ${counter}`).digest();
        out.set(block.subarray(0, Math.min(32, length - at)), at);
      }
      return out;
    },
  };
}
