import type { Primitives } from '@cloister/crypto';
import { hex } from '../hex.ts';
import { createSeal } from '../state/seal.ts';
import type { Seals } from '../state/store-state.ts';

/** What a state is sealed with on its way from one enclave to another: under a key of that way alone. */
export async function transitSeals(
  primitives: Primitives,
  transitKey: Uint8Array,
  id: Uint8Array,
): Promise<Omit<Seals, 'mark'>> {
  return {
    head: await createSeal(primitives, transitKey, 'handed head'),
    page: await createSeal(primitives, transitKey, `handed page ${hex(id)}`),
  };
}
