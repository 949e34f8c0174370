import type { Primitives } from '@cloister/crypto';
import { uint64 } from '../../encoding.ts';

export const integerOf = (bytes: Uint8Array): bigint =>
  bytes.reduceRight((value, byte) => value * 256n + BigInt(byte), 0n);

/**
 * Shacham and Waters' private scheme as libpdp has it: one key k and one set of alphas for all files, the index alone in
 * f_k(i), and a prime of the caller's choice. Blocks are lists of sectors.
 */
export function textbookCpor(primitives: Primitives, p: bigint, key: Uint8Array, sectors: number) {
  const f = async (label: number, at: number): Promise<bigint> =>
    integerOf(await primitives.hmacSha256(key)(uint64(label), uint64(at))) % p;
  const weighted = async (values: readonly bigint[]): Promise<bigint> => {
    let sum = 0n;
    for (let at = 0; at < sectors; at += 1) sum += (await f(0, at)) * values[at]!;
    return sum;
  };
  return {
    tag: async (index: number, block: readonly bigint[]): Promise<bigint> =>
      ((await f(1, index)) + (await weighted(block))) % p,
    /** Whether mu and sigma answer for these indices and coefficients. */
    async verify(nu: ReadonlyMap<number, bigint>, mu: readonly bigint[], sigma: bigint): Promise<boolean> {
      let expected = await weighted(mu);
      for (const [index, coefficient] of nu) expected += coefficient * (await f(1, index));
      return sigma === expected % p;
    },
  };
}
