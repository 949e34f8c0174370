import {
  type BatchHead,
  batchClaims,
  CWT_CLAIMS,
  encodeInclusion,
  INCLUSION,
  RFC9162_SHA256,
  VDP,
  VDS,
} from '../batch.ts';
import { encodeMessage, signMessage } from '../cose-message.ts';
import { KID } from '../cose-sign1.ts';
import type { MerkleTree } from './merkle-tree.ts';

/**
 * Receipts of inclusion for all leaves of a tree, in their order, under one signature of its head.
 * @param kid the SHA-256 of the public key
 */
export async function makeBatch(
  head: BatchHead,
  tree: MerkleTree,
  kid: Uint8Array,
  sign: (message: Uint8Array) => Uint8Array | Promise<Uint8Array>,
): Promise<readonly Uint8Array[]> {
  const header = [
    [KID, kid],
    [CWT_CLAIMS, batchClaims(head)],
    [VDS, RFC9162_SHA256],
  ] as const;
  const signed = await signMessage(header, tree.root, sign);
  return Array.from({ length: head.size }, (_, index) => {
    const proof = encodeInclusion({ size: head.size, index, path: tree.path(index) });
    // Detached: who verifies has to make the root from the leaf (RFC 9942, 5.2.1).
    return encodeMessage({
      ...signed,
      unprotectedHeader: new Map([[VDP, new Map([[INCLUSION, [proof]]])]]),
      payload: null,
    });
  });
}
