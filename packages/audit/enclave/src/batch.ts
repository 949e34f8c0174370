import type { Primitives } from '@cloister/crypto';
import { BATCH_LEAVES, type Measurement, makeBatch, merkleTree } from '@cloister/evidence/make';
import type { Client } from './conversation.ts';
import { refuse } from './failure.ts';
import type { Head } from './state/head.ts';

/**
 * Signs, with the key of this state's receipts, the head of a tree over receipts of any states: that these were shown to this
 * enclave together, then. What they say stands under their own signatures. @throws Refusal `request`
 */
export async function signBatch(
  primitives: Primitives,
  { root, publicKey, signingKey }: Head,
  leaves: readonly Uint8Array[],
  now: number,
  measurement: Measurement,
  client: Client,
): Promise<void> {
  if (leaves.length < BATCH_LEAVES.from) refuse('request', 'A batch of one receipt, or of none');
  const receipts = await makeBatch(
    { iat: Math.floor(now / 1000), root, publicKey, measurement, size: leaves.length },
    await merkleTree(primitives.sha256, leaves),
    await primitives.sha256(publicKey),
    (message) => primitives.ed25519.sign(signingKey, message),
  );
  for (const bytes of receipts) await client.tell({ kind: 'batched', bytes });
}
