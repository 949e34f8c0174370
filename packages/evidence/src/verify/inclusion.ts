import { sha256 } from '@noble/hashes/sha2.js';
import { type BatchHead, decodeInclusion, type InclusionProof, LEAF, NODE } from '../batch.ts';
import { signedBytes } from '../cose-message.ts';
import { hex } from '../hex.ts';
import { isSigned } from './is-signed.ts';

/** The place of a receipt in a batch, and who has signed its head. */
export interface Batch {
  readonly head: BatchHead;
  readonly index: number;
  /** The head's: SHA-256 over the tree. */
  readonly root: Uint8Array;
  /** Of the key that has signed the head. */
  readonly fingerprint: string;
}

/** A leaf's place, if the head of a tree that has it there is signed by the key that it names (RFC 9942, 5.2.1). */
export function verifyInclusion(leaf: Uint8Array, receipt: Uint8Array): Batch | undefined {
  const inclusion = decodeInclusion(receipt);
  const root = inclusion && rootOf(leaf, inclusion.proof);
  if (inclusion === undefined || root === undefined) return undefined;
  const { message, head, kid, proof } = inclusion;
  const fingerprint = hex(sha256(head.publicKey));
  if (fingerprint !== hex(kid) || !isSigned(message.signature, signedBytes(message.headerBytes, root), head.publicKey))
    return undefined;
  return { head, index: proof.index, root, fingerprint };
}

/** The root that a path leads to (RFC 9162, 2.1.3.2); undefined for a path that is not as long as the leaf's. */
function rootOf(leaf: Uint8Array, { size, index, path }: InclusionProof): Uint8Array | undefined {
  let [node, last] = [index, size - 1];
  let hash = hashOf(LEAF, leaf);
  for (const neighbour of path) {
    if (last === 0) return undefined;
    if (node % 2 === 1 || node === last) {
      hash = hashOf(NODE, neighbour, hash);
      for (; node % 2 === 0 && node !== 0; node /= 2) last = Math.floor(last / 2);
    } else hash = hashOf(NODE, hash, neighbour);
    node = Math.floor(node / 2);
    last = Math.floor(last / 2);
  }
  return last === 0 ? hash : undefined;
}

function hashOf(...parts: readonly Uint8Array[]): Uint8Array {
  const hash = sha256.create();
  for (const part of parts) hash.update(part);
  return hash.digest();
}
