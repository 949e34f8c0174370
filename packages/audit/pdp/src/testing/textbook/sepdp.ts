import type { Primitives } from '@cloister/crypto';
import { uint64 } from '../../encoding.ts';

/**
 * SEPDP as libpdp has it: a token is its value under the key, and says neither which one it is nor of which file. A proof is the value
 * and the token.
 */
export function textbookSepdp(primitives: Primitives, key: Uint8Array) {
  const authenticate = primitives.hmacSha256(key);
  const proofOf = async (token: number, blocks: readonly Uint8Array[]) =>
    primitives.sha256(await authenticate(uint64(token)), ...blocks);
  return {
    /** The challenge of a token, and what proves it for these blocks. */
    proofOf,
    token: async (token: number, blocks: readonly Uint8Array[]) => authenticate(await proofOf(token, blocks)),
    async verify(_token: number, value: Uint8Array, sealed: Uint8Array): Promise<boolean> {
      return primitives.equal(await authenticate(value), sealed);
    },
  };
}

/**
 * The dynamic form of the paper, one token that asks for all blocks, with an update in one message: the server says what a block was
 * after it has seen what it is to be.
 */
export function textbookDynamicSepdp(primitives: Primitives, c: Uint8Array) {
  const hash = primitives.hmacSha256(c);
  const xor = (left: Uint8Array, right: Uint8Array) => Uint8Array.from(left, (byte, at) => byte ^ right[at]!);
  return {
    async proofOf(blocks: readonly Uint8Array[]): Promise<Uint8Array> {
      let value: Uint8Array = new Uint8Array(32);
      for (const [at, block] of blocks.entries()) value = xor(value, await hash(uint64(at), block));
      return value;
    },
    async updated(value: Uint8Array, at: number, before: Uint8Array, after: Uint8Array): Promise<Uint8Array> {
      return xor(xor(value, await hash(uint64(at), before)), await hash(uint64(at), after));
    },
  };
}
