import { createHash } from 'node:crypto';
import { numberBytes, numberFrom } from '../../arithmetic/modular.ts';

export interface TextbookKey {
  readonly n: bigint;
  readonly g: bigint;
  readonly e: bigint;
  readonly d: bigint;
}

export function power(base: bigint, exponent: bigint, modulus: bigint): bigint {
  let result = 1n;
  for (const bit of exponent.toString(2))
    result = (((result * result) % modulus) * (bit === '1' ? base : 1n)) % modulus;
  return result;
}

/** 1/value, by Fermat and Euler: value^(order - 1). */
export const inverseBy = (value: bigint, order: bigint, modulus: bigint): bigint => power(value, order - 1n, modulus);

export interface TextbookProof {
  readonly t: bigint;
  readonly rho: Uint8Array;
}

/**
 * Ateniese et al.'s S-PDP as libpdp has it: W_i is an index alone, whatever the file; rho is compared over the length that the
 * proof says it has; coefficients are the caller's, so that those of E-PDP are 1.
 */
export function textbookAPdp({ n, g, e, d }: TextbookKey, order: bigint) {
  const bytes = n.toString(16).length / 2;
  const hash = (value: bigint) => createHash('sha256').update(numberBytes(value, bytes)).digest();
  const h = (index: number): bigint => power(numberFrom(createHash('sha512').update(`${index}`).digest()), 2n, n);
  return {
    tag: (index: number, m: bigint): bigint => power((h(index) * power(g, m, n)) % n, d, n),
    prove(blocks: readonly bigint[], tags: readonly bigint[], a: readonly bigint[], gs: bigint): TextbookProof {
      const t = a.reduce((product, coefficient, at) => (product * power(tags[at]!, coefficient, n)) % n, 1n);
      const sum = a.reduce((total, coefficient, at) => total + coefficient * blocks[at]!, 0n);
      return { t, rho: hash(power(gs, sum, n)) };
    },
    /** `g` to what the masks of a replica add up to is MR-PDP's; its stub in libpdp has none. */
    verify(a: readonly bigint[], s: bigint, { t, rho }: TextbookProof): boolean {
      const hashes = a.reduce((product, coefficient, at) => (product * power(h(at), coefficient, n)) % n, 1n);
      const tau = (power(t, e, n) * inverseBy(hashes, order, n)) % n;
      return Buffer.compare(hash(power(tau, s, n)).subarray(0, rho.length), rho) === 0;
    },
  };
}
